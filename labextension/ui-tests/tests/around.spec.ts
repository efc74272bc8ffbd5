/** What surrounds the panel: shortcuts, settings, status bar, keyboard alone, several notebooks in several projects. */
import { seriousProblems } from '../axe';
import {
  edit,
  expect,
  LONG,
  openNotebook,
  openPanel,
  panelOf,
  runAll,
  runCell,
  showNotebook,
  sources,
  test
} from '../lab';

const SETUP = '%load_ext jupyter_mlgov';
const EXPERIMENT = '%%experiment trial\nscore = 2';

test('shortcuts, the status bar and the keyboard alone reach everything', async ({
  page,
  tmpPath
}) => {
  await openNotebook(page, `${tmpPath}/keys.ipynb`, [SETUP, EXPERIMENT]);
  const panel = panelOf(page);
  const mark = page.locator('.jp-Mlgov-cellMark');
  await runAll(page);
  await expect(mark).toHaveText(/current: trial #1/, LONG);

  await test.step('a shortcut and the status bar open the panel', async () => {
    await expect(panel).toBeHidden();
    await page.keyboard.press('ControlOrMeta+Alt+g');
    await expect(panel).toBeVisible();
    await page.sidebar.close('left');
    await expect(panel).toBeHidden();
    await page.locator('.jp-Mlgov-statusItem').click();
    await expect(panel).toBeVisible();
  });

  await test.step('shortcuts show what changed and open the form of a risk', async () => {
    await edit(page, 1, EXPERIMENT.replace('2', '3'));
    await expect(mark).toHaveText(/changed since trial #1/);
    await page.locator('.jp-Cell').first().click();
    await page.keyboard.press('Escape');
    await page.keyboard.press('ControlOrMeta+Alt+d');
    await expect(mark.locator('.jp-Mlgov-diff [data-side="+"] mark')).toHaveText('3');
    await page.keyboard.press('ControlOrMeta+Alt+k');
    await page.locator('.jp-Dialog [name="id"]').press('Escape');
    await expect(page.locator('.jp-Dialog')).toHaveCount(0);
    await runCell(page, 1);
    await expect(panel.locator('[data-snapshot]')).toHaveCount(2, LONG);
  });

  await test.step('two are chosen and compared without a mouse', async () => {
    await page.keyboard.press('ControlOrMeta+Alt+g');
    await expect(panel.locator('[data-snapshot]').first()).toBeVisible();
    await panel.getByRole('button', { name: 'Refresh' }).focus();
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const node = document.activeElement;
        return node?.getAttribute('aria-label') ?? node?.textContent ?? '';
      });
    const passed: string[] = [];
    for (let stop = 0; stop < 20 && !(await focused()).startsWith('Compare trial'); stop += 1) {
      await page.keyboard.press('Tab');
      passed.push(await focused());
    }
    expect(passed).toEqual(
      expect.arrayContaining(['Snapshot now', 'Notebook', 'Project', 'Risks', 'Life'])
    );
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await expect(panel.locator('[data-snapshot]').nth(1)).toBeFocused();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Space');
    for (
      let stop = 0;
      stop < 5 && !(await focused()).startsWith('Compare trial #1 with');
      stop += 1
    ) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await expect(page.locator('.jp-Mlgov-compare .jp-Mlgov-verdict')).toBeVisible();
  });
});

test('settings turn marks, cards and refreshing off and on', async ({ page, tmpPath }) => {
  const notebook = `${tmpPath}/settings.ipynb`;
  await openNotebook(page, notebook, [
    SETUP,
    EXPERIMENT,
    { markdown: '## Loans\n\n```yaml\ntitle: Loans\n```', tags: ['charter'] }
  ]);
  const panel = await openPanel(page);
  const cards = panel.locator('[data-snapshot]');
  const mark = page.locator('.jp-Mlgov-cellMark');
  const charter = page.getByRole('article', { name: 'charter: Loans' });
  await runAll(page);
  await expect(mark).toHaveText(/current: trial #1/, LONG);
  await expect(charter).toBeVisible();

  const turn = async (on: boolean): Promise<void> => {
    await page.evaluate(() =>
      window.jupyterapp.commands.execute('settingeditor:open', { query: 'ML Governance' })
    );
    const editor = page.locator('.jp-SettingsPanel');
    for (const name of [/Mark the cells/, /Draw charters/, /Refresh after/]) {
      await editor.getByRole('checkbox', { name }).setChecked(on);
    }
    await page.waitForTimeout(1500); // the editor writes settings a while after the last click
    await showNotebook(page, notebook);
  };

  await turn(false);
  await expect(mark).toHaveCount(0);
  await expect(charter).toHaveCount(0);
  await edit(page, 1, EXPERIMENT.replace('2', '3'));
  await runCell(page, 1);
  await page.waitForTimeout(3000); // nothing is to happen
  await expect(cards).toHaveCount(1);
  await panel.getByRole('button', { name: 'Refresh' }).click();
  await expect(cards).toHaveCount(2);
  await turn(true);
  await expect(mark).toHaveText(/current: trial #2/);
  await expect(charter).toBeVisible();
});

test('the panel follows the notebook in front, each in its own project', async ({
  page,
  tmpPath
}) => {
  const [one, other] = [`${tmpPath}/one/a.ipynb`, `${tmpPath}/other/b.ipynb`];
  for (const folder of ['one', 'other']) {
    await page.contents.createDirectory(`${tmpPath}/${folder}`);
  }
  const panel = await openPanel(page);
  await openNotebook(page, one, [SETUP, '%%experiment first\nscore = 1']);
  await runAll(page);
  await expect(panel.locator('[data-snapshot]')).toContainText(['first'], LONG);
  await openNotebook(page, other, [SETUP, '%%experiment second\nscore = 2']);
  await expect(panel).toContainText('never snapshotted');
  await expect(panel.locator('[data-snapshot]')).toHaveCount(0);
  await runAll(page);
  await expect(panel.locator('[data-snapshot]')).toContainText(['second'], LONG);
  await panel.getByRole('button', { name: 'Project', exact: true }).click();
  await expect(panel.locator('[data-snapshot]')).toHaveCount(1);
  await showNotebook(page, one);
  await expect(panel.locator('h2')).toHaveText('a.ipynb');
  await expect(panel.locator('[data-snapshot]')).toContainText(['first']);
  await expect(page.locator('.jp-Mlgov-statusItem')).toContainText('first #1');
  expect(await sources(page)).toContain('%%experiment first\nscore = 1');
  expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
});
