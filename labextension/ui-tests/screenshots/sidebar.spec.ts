/**
 * The pictures of the documentation, made from the mortgage example on a real kernel: `make screenshots`.
 *
 * They are written to docs/images; MLGOV_SCREENSHOTS_TO names another folder. Every wait is for a state, and as long as a
 * busy machine needs: the example trains models and draws SHAP values, and a rerun does that again, more than once.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import * as path from 'node:path';

import { edit, expect, openPanel, type Page, scrollTo, sources, test } from '../lab';

const REPOSITORY = path.resolve(__dirname, '../../..');
const IMAGES = process.env.MLGOV_SCREENSHOTS_TO ?? path.join(REPOSITORY, 'docs/images');
const NOTEBOOK = 'mortgage-approval.ipynb';
const EXPERIMENT = 8;
const PATIENT = { timeout: 1_500_000 };

test.use({ viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 });
test.setTimeout(3_600_000);

async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  // The mouse leaves what it has clicked on, and a message that comes and goes is no part of a picture.
  await page.mouse.move(1439, 450);
  await page.evaluate(() => {
    document.querySelectorAll('.Toastify__toast').forEach(one => {
      one.remove();
    });
  });
  await page.screenshot({ path: path.join(IMAGES, name), animations: 'disabled' });
}

/** Runs the notebook from a cell to its end. */
async function runFrom(page: Page, place: number): Promise<void> {
  await page.evaluate(async index => {
    const panel = window.jupyterapp.shell.currentWidget as unknown as NotebookPanel;
    await panel.sessionContext.ready;
    panel.content.activeCellIndex = index;
    await window.jupyterapp.commands.execute('notebook:run-all-below');
  }, place);
}

/** Draws the border between the sidebar and the notebook to where a reader of a picture sees both. */
async function widen(page: Page): Promise<void> {
  const box = await page.locator('#jp-mlgov-panel').boundingBox();
  if (box !== null) {
    await page.mouse.move(box.x + box.width + 2, 500);
    await page.mouse.down();
    await page.mouse.move(box.x + 380, 500, { steps: 5 });
    await page.mouse.up();
  }
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
  await widen(page);
  const cards = panel.locator('[data-snapshot]');
  await runFrom(page, 0);
  await expect(cards).toHaveCount(1, PATIENT);

  // A second and a third try, so that there is a line to see.
  for (const [count, message, C] of [
    [2, 'stronger regularisation', '0.02'],
    [3, 'as the board wants it', '0.1']
  ] as const) {
    const source = (await sources(page))[EXPERIMENT] ?? '';
    const changed = source
      .replace(/--message "[^"]*"/, `--message "${message}"`)
      .replace(/^C = .*$/m, `C = ${C}`);
    await edit(page, EXPERIMENT, changed);
    await runFrom(page, EXPERIMENT);
    await expect(cards).toHaveCount(count, PATIENT);
  }
  await page.evaluate(() => window.jupyterapp.commands.execute('docmanager:save'));

  await test.step('risks, with what their checks gave', async () => {
    await panel.getByRole('button', { name: 'Risks', exact: true }).click();
    await expect(panel.locator('.jp-Mlgov-matrix')).toBeVisible(PATIENT);
    await picture(page, 'sidebar-risks.png');
    await panel.getByRole('button', { name: 'Notebook', exact: true }).click();
  });

  await test.step('a rerun, then the list beside the notebook', async () => {
    await cards.first().click(PATIENT);
    await panel.getByRole('button', { name: 'Rerun' }).click(PATIENT);
    await expect(panel.locator('.jp-Mlgov-jobWhat')).toContainText('Cell', PATIENT);
    await picture(page, 'sidebar-rerun.png');
    await expect(panel.locator('.jp-Mlgov-verdict')).toBeVisible(PATIENT);
    // The verdict is told by the job, the gate by the record: the picture is of both.
    await expect(panel.locator('.jp-Mlgov-state')).toContainText('reproduced', PATIENT);
    await expect(panel.locator('.jp-Mlgov-gate')).toContainText('Gate open', PATIENT);
    await picture(page, 'sidebar-detail.png');
    await panel.getByRole('button', { name: 'All snapshots' }).click();
    await scrollTo(page, EXPERIMENT);
    const mark = page.locator('.jp-Mlgov-cellMark').first();
    await expect(mark).toContainText('current', PATIENT);
    await mark.scrollIntoViewIfNeeded();
    await expect(cards).toHaveCount(3, PATIENT);
    await picture(page, 'sidebar.png');
    await page.theme.setDarkTheme();
    await expect(page.locator('body')).toHaveAttribute('data-jp-theme-light', 'false', PATIENT);
    await picture(page, 'sidebar-dark.png');
    await page.theme.setLightTheme();
    await expect(page.locator('body')).toHaveAttribute('data-jp-theme-light', 'true', PATIENT);
  });

  await test.step('two compared', async () => {
    await panel.getByRole('checkbox').nth(0).check();
    await panel.getByRole('checkbox').nth(1).check();
    await panel.getByRole('button', { name: /^Compare / }).click();
    await expect(page.locator('.jp-Mlgov-compare .jp-Mlgov-verdict')).toBeVisible(PATIENT);
    await picture(page, 'sidebar-compare.png');
  });
});
