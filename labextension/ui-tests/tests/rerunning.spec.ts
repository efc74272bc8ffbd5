/** A rerun as its reader sees it: what goes on and why, a verdict beside a gate that knows it, and closed browsers. */
import { seriousProblems } from '../axe';
import { edit, expect, LONG, openNotebook, openPanel, type Page, runAll, test } from '../lab';

const SETUP = '%load_ext jupyter_mlgov';
const MEAN =
  '%%experiment mean\nimport pandas as pd\nincome = float(pd.read_csv("loans.csv").income.mean())';

/** Writes down every text that the progress shows. */
async function watchProgress(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(() => {
    const seen = new Set<string>();
    const look = (): void => {
      document.querySelectorAll('#jp-mlgov-panel .jp-Mlgov-job').forEach(job => {
        job
          .querySelectorAll('.jp-Mlgov-jobWhat, .jp-Mlgov-jobTime, .jp-Mlgov-quiet')
          .forEach(one => {
            seen.add(one.textContent ?? '');
          });
      });
    };
    const panel = document.querySelector('#jp-mlgov-panel');
    if (panel !== null) {
      new MutationObserver(look).observe(panel, {
        subtree: true,
        childList: true,
        characterData: true
      });
    }
    Object.assign(window, { mlgovSeen: seen });
  });
  return () =>
    page.evaluate(() => [...(window as unknown as { mlgovSeen: Set<string> }).mlgovSeen]);
}

test('the progress says which cell, how long, which controlled run and why', async ({
  page,
  tmpPath
}) => {
  await page.contents.uploadContent('income\n10\n20\n', 'text', `${tmpPath}/loans.csv`);
  const panel = await openPanel(page);
  await openNotebook(page, `${tmpPath}/mean.ipynb`, [SETUP, MEAN]);
  await runAll(page);
  await panel.locator('[data-snapshot]').click(LONG);
  await page.contents.uploadContent('income\n10\n30\n', 'text', `${tmpPath}/loans.csv`);
  const seen = await watchProgress(page);
  // The answer about the gate is late: no verdict may be told before it.
  await page.route('**/gate?*', async route => {
    await new Promise(resolve => setTimeout(resolve, 1500));
    await route.continue();
  });
  await panel.getByRole('button', { name: 'Rerun' }).click();
  await expect(panel.getByRole('progressbar')).toBeVisible();
  expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
  await expect(panel.locator('.jp-Mlgov-verdict')).toContainText('diverged', LONG);
  // Not waited for: they come together.
  expect(await panel.locator('.jp-Mlgov-gate').textContent()).not.toContain('never rerun');
  expect(await panel.locator('.jp-Mlgov-state').textContent()).toContain('diverged');
  await page.unroute('**/gate?*');
  const said = await seen();
  expect(said).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^Cell [12] of 2$/),
      expect.stringMatching(/^\d+:\d\d$/),
      'Executing the notebook again',
      'Executing it with one change taken back, to confirm the cause',
      'as recorded again: loans.csv'
    ])
  );
  const finding = panel.locator('.jp-Mlgov-findings li').first();
  await expect(finding).toContainText('confirmed by a controlled rerun');
  await expect(finding.getByRole('button', { name: 'cell 2' })).toBeVisible();
});

test('what a message calls a cell is what the link beside it calls it', async ({
  page,
  tmpPath
}) => {
  const panel = await openPanel(page);
  await openNotebook(page, `${tmpPath}/edited.ipynb`, [
    SETUP,
    { markdown: '# A title counts too' },
    'rate = 2',
    '%%experiment edited\nscore = rate * 2'
  ]);
  await runAll(page);
  await panel.locator('[data-snapshot]').click(LONG);
  await edit(page, 2, 'rate = 3');
  await page.evaluate(() => window.jupyterapp.commands.execute('docmanager:save'));
  await panel.getByRole('button', { name: 'Rerun' }).click();
  const finding = panel.locator('.jp-Mlgov-findings li').first();
  await expect(finding).toContainText('The code of cell 3 was edited', LONG);
  await finding.getByRole('button', { name: 'cell 3' }).click();
  await expect(page.locator('#jp-main-statusbar')).toContainText('Cell 3/4');
});

test('a verdict that came while no browser was open is there when one is opened', async ({
  page,
  tmpPath,
  request
}) => {
  let panel = await openPanel(page);
  await openNotebook(page, `${tmpPath}/left.ipynb`, [SETUP, '%%experiment left\nanswer = 6 * 7']);
  await runAll(page);
  await panel.locator('[data-snapshot]').click(LONG);
  await panel.getByRole('button', { name: 'Rerun' }).click();
  await expect(panel.getByRole('progressbar')).toBeVisible();
  const back = page.url();
  await page.evaluate(() => {
    window.location.href = 'about:blank';
  });
  const state = async (): Promise<string> => {
    const told = (await (await request.get('/mlgov/api/jobs')).json()) as {
      jobs: readonly { experiment: string; state: string }[];
    };
    return told.jobs.find(job => job.experiment === 'left')?.state ?? '';
  };
  await expect.poll(state, LONG).toBe('done');
  await page.goto(back, { waitForIsReady: false });
  await expect(page.locator('.jp-Notebook')).toBeVisible(LONG);
  panel = await openPanel(page);
  await expect(panel.locator('[data-snapshot]')).toContainText(['reproduced'], LONG);
  await panel.locator('[data-snapshot]').click();
  await expect(panel.locator('.jp-Mlgov-verdict')).toContainText('reproduced');
  await expect(panel.getByText('Gate open')).toBeVisible();
});
