/** The whole way in JupyterLab: run an experiment, see its snapshot, edit, compare, rerun, write risks, read the report. */
import { readFileSync } from 'node:fs';

import { seriousProblems } from '../axe';
import {
  activeCell,
  edit,
  expect,
  LONG,
  openNotebook,
  openPanel,
  runAll,
  runCell,
  showNotebook,
  sources,
  test
} from '../lab';

const SETUP = '%load_ext jupyter_mlgov';
const DATA = `import csv, random
with open("loans.csv", "w") as file:
    writer = csv.writer(file)
    writer.writerow(["income", "approved"])
    generator = random.Random(0)
    for _ in range(200):
        income = generator.randint(20, 90)
        writer.writerow([income, int(income > 50)])`;
const EXPERIMENT = `%%experiment baseline -m "first try" --kpi "accuracy >= 0.9"
import pandas as pd
threshold = 50
loans = pd.read_csv("loans.csv")
accuracy = float(((loans.income > threshold) == loans.approved.astype(bool)).mean())
print(f"accuracy {accuracy:.3f}")`;
const RISK = `%%risk thin-data
situation: Only a few hundred applications stand behind the threshold
severity: medium
likelihood: high
check: len(loans) >= 100`;
const HOSTILE = `<img src=x onerror="document.title='owned'">`;

test('the panel opens from the palette and tells how to start', async ({ page, tmpPath }) => {
  const panel = await openPanel(page);
  await expect(panel).toContainText('no notebook is open');
  await openNotebook(page, `${tmpPath}/fresh.ipynb`, ['x = 1']);
  await expect(panel).toContainText('never snapshotted');
  await expect(panel.getByText('%load_ext jupyter_mlgov')).toBeVisible();
  await expect(panel.getByText('%%experiment baseline')).toBeVisible();
  await expect(page.locator('.jp-Mlgov-statusItem')).toContainText('no snapshot');
  await panel.getByRole('button', { name: 'Risks', exact: true }).click();
  await expect(panel.getByText('%%experiment baseline')).toBeVisible();
  expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
});

test('from the experiment to the report', async ({ page, tmpPath }) => {
  const notebook = `${tmpPath}/loans.ipynb`;
  const panel = await openPanel(page);
  await openNotebook(page, notebook, [SETUP, DATA, EXPERIMENT, RISK]);
  const cards = panel.locator('[data-snapshot]');
  const mark = page.locator('.jp-Mlgov-cellMark');

  await test.step('a snapshot appears by itself, with its state at a glance', async () => {
    await runAll(page);
    await expect(cards).toHaveCount(1, LONG);
    await expect(cards).toContainText(['#1']);
    await expect(cards).toContainText(['first try']);
    await expect(cards).toContainText(['KPIs met']);
    await expect(cards.locator('.jp-Mlgov-metric').first()).toContainText('accuracy');
    await expect(panel.locator('.jp-Mlgov-state')).toContainText('1 of 1 KPIs met');
    await expect(panel.locator('.jp-Mlgov-state')).toContainText('not rerun yet');
    await expect(mark).toHaveText(/current: baseline #1/);
  });

  await test.step('an edit that is not saved is seen, and undone it is not', async () => {
    await edit(page, 1, DATA.replace('> 50', '> 60'));
    await expect(panel.locator('.jp-Mlgov-state')).toContainText('changed since #1');
    await expect(page.locator('.jp-Mlgov-statusItem')).toContainText('changed since');
    await mark.getByRole('button').click();
    const diff = mark.locator('.jp-Mlgov-diff');
    await expect(diff.locator('[data-side="-"] mark')).toHaveText('50');
    await expect(diff.locator('[data-side="+"] mark')).toHaveText('60');
    expect(await seriousProblems(page, '.jp-Mlgov-cellMark')).toEqual([]);
    await edit(page, 1, DATA + '  # as before');
    await expect(mark).toHaveText(/current: baseline #1/);
    await edit(page, 1, DATA);
  });

  await test.step('the detail says what the result depended on', async () => {
    await cards.click();
    await expect(panel.locator('h3')).toContainText('baseline');
    await expect(panel.getByText('accuracy >= 0.9')).toBeVisible();
    await expect(panel.locator('.jp-Mlgov-uri')).toContainText(['loans.csv']);
    await expect(panel.getByText('200 rows')).toBeVisible();
    await expect(panel.getByText('thin-data')).toBeVisible();
    await expect(panel.getByText('check passed')).toBeVisible();
    await expect(panel.getByText('Gate closed')).toBeVisible();
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
  });

  await test.step('a rerun shows its progress and its verdict, and opens the gate', async () => {
    await panel.getByRole('button', { name: 'Rerun' }).click();
    await expect(panel.getByRole('progressbar')).toBeVisible();
    await expect(panel.locator('.jp-Mlgov-verdict')).toContainText('reproduced', LONG);
    await expect(panel.getByText('Gate open')).toBeVisible();
    await expect(panel.locator('.jp-Mlgov-state')).toContainText('reproduced');
  });

  await test.step('the report opens in a tab that can run nothing', async () => {
    await panel.getByRole('button', { name: 'Report' }).click();
    const tab = page.locator('.jp-Mlgov-report iframe');
    await expect(tab).toBeVisible();
    expect(await tab.getAttribute('sandbox')).toBe('');
    const report = page.frameLocator('.jp-Mlgov-report iframe').locator('body');
    await expect(report).toContainText('baseline');
    await expect(report).toContainText('thin-data');
  });

  await test.step('the report is saved as one file, the one that is shown', async () => {
    const button = page.locator('.jp-MainAreaWidget:visible').getByRole('button', {
      name: 'Download'
    });
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
    expect(download.suggestedFilename()).toBe('baseline-1.html');
    const file = await download.path();
    const text = readFileSync(file, 'utf-8');
    expect(text).toContain('default-src &#39;none&#39;');
    expect(text).toContain('thin-data');
    expect(text).not.toContain('<script');
    await showNotebook(page, notebook);
  });

  await test.step('a second snapshot draws a line, and both stand side by side', async () => {
    await panel.getByRole('button', { name: 'All snapshots' }).click();
    await edit(page, 2, EXPERIMENT.replace('first try', 'other').replace('= 50', '= 60'));
    await expect(mark).toHaveText(/changed since baseline #1/);
    await runCell(page, 2);
    await expect(cards).toHaveCount(2, LONG);
    await expect(panel.locator('.jp-Mlgov-spark polyline')).toBeVisible();
    await cards.nth(1).click({ modifiers: ['ControlOrMeta'] });
    await panel.getByRole('checkbox').first().check();
    await panel.getByRole('button', { name: 'Compare baseline #1 with baseline #2' }).click();
    const compare = page.locator('.jp-Mlgov-compare');
    await expect(compare.locator('.jp-Mlgov-verdict')).toContainText('diverged', LONG);
    await expect(compare.locator('.jp-Mlgov-findings li').first()).toContainText('code.cell');
    await expect(compare.locator('tr', { hasText: 'threshold' }).first()).toContainText('+10');
    await expect(compare.locator('tr', { hasText: 'accuracy' }).first()).toContainText('changed');
    await expect(compare.locator('.jp-Mlgov-diff mark')).toContainText(['50', '60']);
    await expect(compare.locator('.jp-Mlgov-outputs')).toContainText([
      'accuracy 1.000',
      'accuracy'
    ]);
    expect(await seriousProblems(page, '.jp-Mlgov-compare')).toEqual([]);
    await page.theme.setDarkTheme();
    expect(await seriousProblems(page, '.jp-Mlgov-compare')).toEqual([]);
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await page.theme.setLightTheme();
    await showNotebook(page, notebook);
  });

  await test.step('a risk is written into the notebook by a form and edited there', async () => {
    await panel.getByRole('button', { name: 'Risks', exact: true }).click();
    await panel.getByRole('button', { name: 'Add a risk' }).click();
    const dialog = page.locator('.jp-Dialog');
    await expect(dialog.getByRole('button', { name: 'Write and run' })).toBeDisabled();
    // The dialog gives the focus to its first field a moment after it is there.
    await expect(dialog.locator('[name="id"]')).toBeFocused();
    await dialog.locator('[name="id"]').fill('old-customers');
    await dialog.locator('[name="situation"]').fill(`Nobody over 70: ${HOSTILE} # "all"`);
    await dialog.locator('[name="severity"]').selectOption('critical');
    await dialog.locator('[name="check"]').fill('accuracy > 0.99');
    expect(await seriousProblems(page, '.jp-Dialog')).toEqual([]);
    await dialog.getByRole('button', { name: 'Write and run' }).click();
    const row = panel.locator('.jp-Mlgov-register li', { hasText: 'old-customers' });
    await expect(row).toContainText('check failed', LONG);
    await expect(row).toContainText('<img src=x');
    expect((await sources(page))[4]).toMatch(/^%%risk old-customers\nsituation: /);

    await panel.getByRole('button', { name: /critical severity, medium likelihood: 1/ }).click();
    await expect(panel.locator('.jp-Mlgov-register .jp-Mlgov-rows > li')).toHaveCount(1);
    await row.getByRole('button', { name: 'Edit old-customers' }).click();
    await expect(dialog.locator('[name="check"]')).toHaveValue('accuracy > 0.99');
    await expect(dialog.locator('[name="situation"]')).toBeFocused();
    await dialog.locator('[name="check"]').fill('accuracy > 0.5');
    await dialog.locator('[name="status"]').selectOption('mitigated');
    await dialog.getByRole('button', { name: 'Write and run' }).click();
    await expect(row).toContainText('check passed', LONG);
    const cells = await sources(page);
    expect(cells.filter(source => source.includes('old-customers'))).toHaveLength(1);
    expect(cells[4]).toContain('status: mitigated');
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    expect(await page.title()).not.toContain('owned');
  });
});

test('data that changed since is named as the cause, and the finding leads to its cell', async ({
  page,
  tmpPath
}) => {
  await page.contents.uploadContent('income\n10\n20\n', 'text', `${tmpPath}/loans.csv`);
  const panel = await openPanel(page);
  await openNotebook(page, `${tmpPath}/mean.ipynb`, [
    SETUP,
    { markdown: '# Mean' },
    `%%experiment mean\nimport pandas as pd\nincome = float(pd.read_csv("loans.csv").income.mean())`
  ]);
  await runAll(page);
  await panel.locator('[data-snapshot]').click(LONG);
  await page.contents.uploadContent('income\n10\n30\n', 'text', `${tmpPath}/loans.csv`);
  await panel.getByRole('button', { name: 'Rerun' }).click();
  const verdict = panel.locator('.jp-Mlgov-verdict');
  await expect(verdict).toContainText('diverged', LONG);
  const finding = verdict.locator('.jp-Mlgov-findings li').first();
  await expect(finding).toContainText('data.values');
  await expect(finding).toContainText('loans.csv');
  await edit(page, 0, SETUP + '\n');
  await finding.getByRole('button', { name: 'cell 3' }).click();
  await expect.poll(() => activeCell(page)).toBe(2);
});

test('a rerun outlives the page and can be cancelled after a reload', async ({ page, tmpPath }) => {
  let panel = await openPanel(page);
  await openNotebook(page, `${tmpPath}/slow.ipynb`, [
    SETUP,
    `import os, time\nif os.path.exists("slow"):\n    time.sleep(600)`,
    `%%experiment slow\nanswer = 6 * 7`,
    `open("slow", "w").close()`
  ]);
  await runAll(page);
  await panel.locator('[data-snapshot]').click(LONG);
  await panel.getByRole('button', { name: 'Rerun' }).click();
  await expect(panel.locator('.jp-Mlgov-jobWhat')).toContainText('Cell', LONG);
  await page.reload({ waitForIsReady: false });
  await expect(page.locator('.jp-Notebook')).toBeVisible(LONG);
  panel = await openPanel(page);
  await panel.locator('[data-snapshot]').click(LONG);
  await expect(panel.getByRole('progressbar')).toBeVisible();
  await panel.getByRole('button', { name: 'Cancel' }).click();
  await expect(panel.getByRole('progressbar')).toHaveCount(0);
  await expect(panel.getByRole('button', { name: 'Rerun' })).toBeEnabled();
});

test('hostile names and outputs stay what they are, and the keyboard alone reaches everything', async ({
  page,
  tmpPath
}) => {
  const panel = await openPanel(page);
  const experiment = `%%experiment hostile -m '${HOSTILE}'
from IPython.display import HTML, display
score = float(2) / 3
display(HTML("<b>bold</b><script>document.title='owned'</script>${HOSTILE.replace(/"/g, '\\"')}"))`;
  await openNotebook(page, `${tmpPath}/hostile.ipynb`, [
    SETUP,
    experiment,
    `%%risk bad\nsituation: "<script>document.title='owned'</script>"\nseverity: low\nlikelihood: low`
  ]);
  await runAll(page);
  const cards = panel.locator('[data-snapshot]');
  await expect(cards).toHaveCount(1, LONG);
  // The notebook's own output is trusted, because it was made here: from now on only what we show counts.
  await page.evaluate(() => {
    document.title = 'JupyterLab';
  });
  await edit(page, 1, experiment.replace('float(2)', 'float(1)').replace('<b>', '<b>now '));
  await runCell(page, 1);
  await expect(cards).toHaveCount(2, LONG);
  await page.evaluate(() => {
    document.title = 'JupyterLab';
  });
  await expect(cards.first()).toContainText('<img src=x');

  await cards.first().focus();
  await page.keyboard.press('ArrowDown');
  await expect(cards.nth(1)).toBeFocused();
  await page.keyboard.press('Home');
  await expect(cards.first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(panel.getByRole('button', { name: 'All snapshots' })).toBeFocused();
  await expect(panel.getByText('<script>')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(cards.first()).toBeVisible();
  await page.evaluate(() => window.jupyterapp.commands.execute('mlgov:compare'));
  const compare = page.locator('.jp-Mlgov-compare');
  await expect(compare.locator('.jp-Mlgov-outputs b')).toHaveText(['bold', 'now bold']);
  expect(await compare.locator('script').count()).toBe(0);
  expect(await compare.locator('[onerror]').count()).toBe(0);
  await page.evaluate(() => window.jupyterapp.commands.execute('mlgov:report'));
  const report = page.frameLocator('.jp-Mlgov-report iframe').locator('body');
  await expect(report).toContainText('hostile');
  expect(await page.locator('#jp-mlgov-panel img').count()).toBe(0);
  expect(await page.title()).not.toContain('owned');
});
