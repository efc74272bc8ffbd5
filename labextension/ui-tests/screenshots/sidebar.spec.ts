/**
 * The pictures of the documentation, made from the mortgage example on a real kernel: `make screenshots`.
 *
 * They are written to docs/images; MLGOV_SCREENSHOTS_TO names another folder.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import * as path from 'node:path';

import { edit, expect, LONG, openPanel, type Page, runAll, runCell, sources, test } from '../lab';

const REPOSITORY = path.resolve(__dirname, '../../..');
const IMAGES = process.env.MLGOV_SCREENSHOTS_TO ?? path.join(REPOSITORY, 'docs/images');
const NOTEBOOK = 'mortgage-approval.ipynb';
const EXPERIMENT = 8;

test.use({ viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 });
test.setTimeout(900_000);

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(IMAGES, name), animations: 'disabled' });
}

test('the sidebar beside the mortgage example', async ({ page, tmpPath }) => {
  await page.contents.uploadFile(
    path.join(REPOSITORY, 'example-notebooks', NOTEBOOK),
    `${tmpPath}/${NOTEBOOK}`
  );
  await page.evaluate(
    name => window.jupyterapp.commands.execute('docmanager:open', { path: name }),
    `${tmpPath}/${NOTEBOOK}`
  );
  const panel = await openPanel(page);
  await runAll(page);
  await expect(panel.locator('[data-snapshot]')).toHaveCount(1, LONG);

  // A second and a third try, so that there is a line to see.
  for (const [count, message] of [
    [2, 'stronger regularisation'],
    [3, 'as the board wants it']
  ] as const) {
    const source = (await sources(page))[EXPERIMENT] ?? '';
    const changed = source
      .replace(/--message "[^"]*"/, `--message "${message}"`)
      .replace(/^C = .*$/m, count === 2 ? 'C = 0.02' : 'C = 0.1');
    await edit(page, EXPERIMENT, changed);
    await runCell(page, EXPERIMENT);
    await expect(panel.locator('[data-snapshot]')).toHaveCount(count, LONG);
  }
  await page.evaluate(() => window.jupyterapp.commands.execute('docmanager:save'));
  await panel.locator('[data-snapshot]').first().click();
  await panel.getByRole('button', { name: 'Rerun' }).click();
  await expect(panel.locator('.jp-Mlgov-verdict')).toBeVisible({ timeout: 300_000 });
  await page.keyboard.press('Escape');
  await page.evaluate(async place => {
    const notebook = (window.jupyterapp.shell.currentWidget as unknown as NotebookPanel).content;
    notebook.activeCellIndex = place;
    await notebook.scrollToItem(place, 'start');
  }, EXPERIMENT);
  await expect(page.locator('.jp-Mlgov-cellMark')).toContainText(['current']);
  await picture(page, 'sidebar.png');

  await panel.locator('[data-snapshot]').first().click();
  await expect(panel.locator('.jp-Mlgov-gate')).toBeVisible();
  await picture(page, 'sidebar-detail.png');
  await page.keyboard.press('Escape');

  await panel.getByRole('button', { name: 'Risks', exact: true }).click();
  await expect(panel.locator('.jp-Mlgov-matrix')).toBeVisible();
  await picture(page, 'sidebar-risks.png');

  await panel.getByRole('button', { name: 'This notebook' }).click();
  await panel.getByRole('checkbox').nth(0).check();
  await panel.getByRole('checkbox').nth(1).check();
  await panel.getByRole('button', { name: /^Compare / }).click();
  await expect(page.locator('.jp-Mlgov-compare .jp-Mlgov-verdict')).toBeVisible();
  await picture(page, 'sidebar-compare.png');

  await page.theme.setDarkTheme();
  await picture(page, 'sidebar-dark.png');
});
