/** Notebook 7, which has room for one document: the panel, the marks, the forms, and what opens beside. */
import type { NotebookPanel } from '@jupyterlab/notebook';
import { expect, type Page, test } from '@playwright/test';

import { seriousProblems } from '../axe';
import { type Page as LabPage, runAll, sources } from '../lab';

const LONG = { timeout: 150_000 };
const URL = `http://localhost:${Number(process.env.MLGOV_UI_PORT ?? '8899') + 1}`;
const CELLS = [
  '%load_ext jupyter_mlgov',
  '%%experiment seven -m "first" --kpi "score >= 1"\nscore = sum([1, 1])',
  '%%experiment seven -m "second" --kpi "score >= 1"\nscore = sum([1, 2])'
];

/** Writes a notebook and opens it. */
async function open(page: Page, name: string, cells: readonly string[]): Promise<LabPage> {
  const document = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' },
      language_info: { name: 'python' }
    },
    cells: cells.map((source, place) => ({
      cell_type: 'code',
      id: `c${place}`,
      source,
      metadata: {},
      outputs: [],
      execution_count: null
    }))
  };
  const written = await page.request.put(`${URL}/api/contents/${name}`, {
    data: { type: 'notebook', content: document }
  });
  expect(written.ok()).toBe(true);
  await page.goto(`${URL}/notebooks/${name}`);
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor(LONG);
  await page.waitForFunction(() => (window as { jupyterapp?: unknown }).jupyterapp !== undefined);
  return page as LabPage; // none of the helpers needs more of it
}

test('the panel, the marks and what opens beside the notebook are there', async ({
  page: plain
}) => {
  const page = await open(plain, 'seven.ipynb', CELLS);
  const panel = page.locator('#jp-mlgov-panel');
  await expect(panel).toBeHidden();
  await page.locator('.jp-Cell').first().click();
  await page.keyboard.press('ControlOrMeta+Alt+g');
  await expect(panel).toBeVisible();
  await runAll(page);
  const cards = panel.locator('[data-snapshot]');
  await expect(cards).toHaveCount(2, LONG);
  await expect(page.locator('.jp-Mlgov-cellMark').last()).toHaveText(/current: seven #2/);
  await expect(panel.locator('.jp-Mlgov-state')).toContainText('1 of 1 KPIs met');
  expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);

  await test.step('a rerun with its verdict', async () => {
    await cards.first().click();
    await panel.getByRole('button', { name: 'Rerun' }).click();
    await expect(panel.locator('.jp-Mlgov-verdict')).toBeVisible(LONG);
    await panel.getByRole('button', { name: 'All snapshots' }).click();
  });

  await test.step('report and comparison stand at the right side', async () => {
    await cards.first().click();
    await panel.getByRole('button', { name: 'Report' }).click();
    const report = page.frameLocator('.jp-Mlgov-report iframe').locator('body');
    await expect(report).toContainText('seven', LONG);
    await panel.getByRole('button', { name: 'All snapshots' }).click();
    await page.evaluate(() => window.jupyterapp.commands.execute('mlgov:compare'));
    await expect(page.locator('.jp-Mlgov-compare .jp-Mlgov-verdict')).toBeVisible(LONG);
  });

  await test.step('a risk is written into the notebook, and a snapshot taken', async () => {
    await page.evaluate(() => void window.jupyterapp.commands.execute('mlgov:add-risk'));
    const dialog = page.locator('.jp-Dialog');
    await dialog.locator('[name="id"]').fill('thin');
    await dialog.locator('[name="situation"]').fill('few');
    await dialog.getByRole('button', { name: 'Write and run' }).click();
    await expect.poll(async () => (await sources(page))[3]).toMatch(/^%%risk thin\nsituation: few/);
    await panel.getByRole('button', { name: 'Snapshot now' }).click();
    await dialog.getByRole('button', { name: 'Take the snapshot' }).click();
    await expect(cards).toHaveCount(3, LONG);
  });
});

test('the widgets are there', async ({ page: plain }) => {
  const page = await open(plain, 'widgets.ipynb', [
    '%load_ext jupyter_mlgov\nimport jupyter_mlgov as mlgov',
    '%%experiment w\nscore = sum([1, 1])',
    'mlgov.explore()',
    'mlgov.risk_form()'
  ]);
  await runAll(page);
  const output = (place: number) => page.locator('.jp-Cell').nth(place).locator('.jp-OutputArea');
  await expect(output(2).getByRole('row').nth(1)).toContainText('w', LONG);
  const form = output(3);
  await form.getByLabel('id', { exact: true }).fill('thin');
  await form.getByLabel('situation').fill('few');
  await form.getByLabel('situation').blur();
  await form.getByRole('button', { name: 'Write the cell' }).click();
  await expect(form).toContainText('Written: cell 5', LONG);
  expect(
    await page.evaluate(
      () =>
        (window.jupyterapp.shell.currentWidget as unknown as NotebookPanel).content.widgets.length
    )
  ).toBe(5);
});
