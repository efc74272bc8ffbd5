/** Two people in one notebook, by jupyter-collaboration: what one does the other sees, in the notebook and in the panel. */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Page as PlainPage } from '@playwright/test';

import {
  edit,
  expect,
  LONG,
  openNotebook,
  openPanel,
  type Page,
  panelOf,
  runAll,
  runCell,
  sources,
  test
} from '../lab';

const SETUP = '%load_ext jupyter_mlgov';
const EXPERIMENT = '%%experiment shared -m "by the first"\nscore = rate * 2';
const RISK = '## Risk: thin data\n\n```yaml\nsituation: few\nseverity: low\nlikelihood: low\n```';

test('a shared notebook has one record, which both see', async ({
  page,
  tmpPath,
  browser,
  baseURL
}) => {
  const path = `${tmpPath}/shared.ipynb`;
  await openNotebook(page, path, [
    SETUP,
    'rate = 2',
    EXPERIMENT,
    { markdown: RISK, tags: ['risk'] }
  ]);
  const panel = await openPanel(page);
  expect(
    await page.evaluate(
      () =>
        (window.jupyterapp.shell.currentWidget as unknown as NotebookPanel).content.model
          ?.collaborative
    )
  ).toBe(true);

  const context = await browser.newContext();
  const plain: PlainPage = await context.newPage();
  await plain.goto(`${baseURL}/lab/workspaces/other/tree/${path}`);
  await plain.locator('.jp-Notebook:visible .jp-Cell').nth(3).waitFor(LONG);
  const other = plain as Page; // none of the helpers below needs more of it
  const beside = await openPanel(other);

  await test.step('a snapshot that one takes appears in the panel of both', async () => {
    await runAll(page);
    await expect(panel.locator('[data-snapshot]')).toHaveCount(1, LONG);
    await expect(beside.locator('[data-snapshot]')).toHaveCount(1, LONG);
    await expect(beside.locator('[data-snapshot]')).toContainText(['by the first']);
    for (const one of [page, other]) {
      await expect(one.locator('.jp-Mlgov-cellMark').first()).toHaveText(/current: shared #1/);
    }
  });

  await test.step('an edit of one is a change for the other, unsaved as it is', async () => {
    await edit(other, 1, 'rate = 3');
    await expect(page.locator('.jp-Mlgov-cellMark').first()).toHaveText(/changed since shared #1/);
    await expect.poll(async () => (await sources(page))[1]).toBe('rate = 3');
    await runCell(page, 1);
    await runCell(page, 2);
    await expect(panel.locator('[data-snapshot]')).toHaveCount(2, LONG);
    await expect(beside.locator('[data-snapshot]')).toHaveCount(2, LONG);
    await expect(other.locator('.jp-Mlgov-cellMark').first()).toHaveText(/current: shared #2/);
  });

  await test.step('a risk that one edits in its cell is edited for both', async () => {
    await beside.getByRole('button', { name: 'Risks', exact: true }).click();
    await beside.getByRole('button', { name: 'Edit thin-data' }).click(LONG);
    await other.locator('.jp-Dialog [name="severity"]').selectOption('high');
    await other.locator('.jp-Dialog').getByRole('button', { name: 'Write the cell' }).click();
    await expect
      .poll(async () => (await sources(page))[3])
      .toBe(RISK.replace('severity: low', 'severity: high'));
    expect(await sources(page)).toHaveLength(4);
  });

  await test.step('the record names the notebook as the project does', async () => {
    const { project, snapshots } = await page.evaluate(async name => {
      const read = async (route: string): Promise<unknown> =>
        (await fetch(`/mlgov/api/${route}?path=${encodeURIComponent(name)}`)).json();
      return {
        project: (await read('project')) as { notebook: string },
        snapshots: (await read('snapshots')) as { snapshots: { notebook: string }[] }
      };
    }, path);
    expect(snapshots.snapshots.map(one => one.notebook)).toEqual([
      project.notebook,
      project.notebook
    ]);
    expect(project.notebook).toBe('shared.ipynb');
  });
  await expect(panelOf(other)).toBeVisible();
  await context.close();
});
