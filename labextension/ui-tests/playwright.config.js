/** Real Chromium: Debian's, or the one that MLGOV_CHROMIUM names. Playwright's own cannot be downloaded everywhere. */
const fs = require('fs');
const base = require('@jupyterlab/galata/lib/playwright-config');

const port = process.env.MLGOV_UI_PORT ?? '8899';
const executablePath = [
  process.env.MLGOV_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser'
].find(path => path && fs.existsSync(path));

process.env.TARGET_URL = `http://localhost:${port}`;

function server(app, at) {
  return {
    command: `jupyter ${app} --config jupyter_server_test_config.py --port ${at}`,
    url: `http://localhost:${at}/api/status`,
    timeout: 120_000,
    reuseExistingServer: false
  };
}

module.exports = {
  ...base,
  // Instead of the tests: MLGOV_SCREENSHOTS the documentation's pictures, MLGOV_MEASURE its figures, MLGOV_AROUND the
  // tests in Notebook 7 and with jupyter-collaboration, which have to be installed.
  testDir: process.env.MLGOV_SCREENSHOTS
    ? './screenshots'
    : process.env.MLGOV_MEASURE
      ? './measure'
      : process.env.MLGOV_AROUND
        ? './around'
        : './tests',
  timeout: 480_000,
  expect: { timeout: 60_000 },
  workers: 1,
  // A test that needed its second try is listed as flaky: it wants mending.
  retries: 1,
  reporter: process.env.CI ? [['list']] : [['list'], ['html', { open: 'never' }]],
  use: {
    ...base.use,
    baseURL: `http://localhost:${port}`,
    video: 'off',
    trace: 'off',
    screenshot: 'only-on-failure',
    viewport: { width: 1400, height: 900 },
    launchOptions: { executablePath, args: ['--no-sandbox'] }
  },
  webServer: [
    server('lab', port),
    ...(process.env.MLGOV_AROUND ? [server('notebook', String(Number(port) + 1))] : [])
  ]
};
