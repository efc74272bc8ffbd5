/** The whole way in JupyterLab: run an experiment, see its snapshot, rerun it, read its report. */
import { expect, type IJupyterLabPageFixture, test } from '@jupyterlab/galata';

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
accuracy = float(((loans.income > threshold) == loans.approved.astype(bool)).mean())`;
const RISK = `%%risk thin-data
situation: Only a few hundred applications stand behind the threshold
severity: medium
likelihood: high
check: len(loans) >= 100`;

async function openPanel(page: IJupyterLabPageFixture): Promise<void> {
  await page.sidebar.openTab('jp-mlgov-panel');
  await expect(page.locator('#jp-mlgov-panel')).toBeVisible();
}

async function runCells(page: IJupyterLabPageFixture, cells: readonly string[]): Promise<void> {
  await page.notebook.createNew('loans.ipynb');
  for (const [index, source] of cells.entries()) {
    if (index === 0) {
      await page.notebook.setCell(0, 'code', source);
    } else {
      await page.notebook.addCell('code', source);
    }
  }
  await page.notebook.save();
  await page.notebook.run();
}

test.use({ autoGoto: true });

test('the panel opens from its tab and from the palette', async ({ page }) => {
  await openPanel(page);
  await expect(page.locator('#jp-mlgov-panel')).toContainText('no notebook is open');
  await page.sidebar.close('left');
  await page.evaluate(() => window.jupyterapp.commands.execute('mlgov:open'));
  await expect(page.locator('#jp-mlgov-panel')).toBeVisible();
});

test('a notebook without snapshots is told how to start', async ({ page }) => {
  await page.notebook.createNew('fresh.ipynb');
  await openPanel(page);
  const panel = page.locator('#jp-mlgov-panel');
  await expect(panel).toContainText('never snapshotted');
  await expect(panel.getByText('%load_ext jupyter_mlgov')).toBeVisible();
  await expect(panel.getByText('%%experiment baseline')).toBeVisible();
});

test('an experiment appears by itself, is rerun with a verdict, and its report opens', async ({
  page
}) => {
  await openPanel(page);
  const panel = page.locator('#jp-mlgov-panel');
  await runCells(page, [SETUP, DATA, EXPERIMENT, RISK]);

  const card = panel.locator('.jp-Mlgov-card');
  await expect(card).toHaveCount(1);
  await expect(card).toContainText('#1');
  await expect(card).toContainText('first try');
  await expect(card).toContainText('KPIs met');
  await expect(card.locator('.jp-Mlgov-metric').first()).toContainText('accuracy');

  await card.click();
  await expect(panel.locator('h3')).toContainText('baseline');
  await expect(panel.getByText('accuracy >= 0.9')).toBeVisible();
  await expect(panel.locator('.jp-Mlgov-uri')).toContainText(['loans.csv']);
  await expect(panel.getByText('200 rows')).toBeVisible();
  await expect(panel.getByText('thin-data')).toBeVisible();
  await expect(panel.getByText('check passed')).toBeVisible();
  await expect(panel.getByText('Gate closed')).toBeVisible();

  await panel.getByRole('button', { name: 'Rerun' }).click();
  await expect(panel.getByRole('progressbar')).toBeVisible();
  await expect(panel.locator('.jp-Mlgov-verdict')).toContainText('reproduced', {
    timeout: 120_000
  });
  await expect(panel.getByText('Gate open')).toBeVisible();

  await panel.getByRole('button', { name: 'Report' }).click();
  const tab = page.locator('.jp-Mlgov-report iframe');
  await expect(tab).toBeVisible();
  expect(await tab.getAttribute('sandbox')).toBe('');
  const report = page.frameLocator('.jp-Mlgov-report iframe');
  await expect(report.locator('body')).toContainText('baseline');
  await expect(report.locator('body')).toContainText('thin-data');
});

test('data that changed since is named as the cause', async ({ page, tmpPath }) => {
  await page.contents.uploadContent('income\n10\n20\n', 'text', `${tmpPath}/loans.csv`);
  await openPanel(page);
  const panel = page.locator('#jp-mlgov-panel');
  await runCells(page, [
    SETUP,
    `%%experiment mean\nimport pandas as pd\nincome = float(pd.read_csv("loans.csv").income.mean())`
  ]);
  await page.contents.uploadContent('income\n10\n30\n', 'text', `${tmpPath}/loans.csv`);
  await panel.locator('.jp-Mlgov-card').click();
  await panel.getByRole('button', { name: 'Rerun' }).click();
  const verdict = panel.locator('.jp-Mlgov-verdict');
  await expect(verdict).toContainText('diverged', { timeout: 120_000 });
  await expect(verdict.locator('.jp-Mlgov-findings li').first()).toContainText('data.values');
  await expect(verdict.locator('.jp-Mlgov-findings li').first()).toContainText('loans.csv');
});

test('a rerun outlives the page and can be cancelled after a reload', async ({ page }) => {
  await openPanel(page);
  const panel = page.locator('#jp-mlgov-panel');
  await runCells(page, [
    SETUP,
    `import os, time\nif os.path.exists("slow"):\n    time.sleep(600)`,
    `%%experiment slow\nanswer = 6 * 7`,
    `open("slow", "w").close()`
  ]);
  await panel.locator('.jp-Mlgov-card').click();
  await panel.getByRole('button', { name: 'Rerun' }).click();
  await expect(panel.locator('.jp-Mlgov-jobWhat')).toContainText('Cell', { timeout: 60_000 });
  await page.reload({ waitForIsReady: false });
  await expect(page.locator('.jp-Notebook')).toBeVisible({ timeout: 60_000 });
  await openPanel(page);
  await panel.locator('.jp-Mlgov-card').click();
  await expect(panel.getByRole('progressbar')).toBeVisible();
  await panel.getByRole('button', { name: 'Cancel' }).click();
  await expect(panel.getByRole('progressbar')).toHaveCount(0);
  await expect(panel.getByRole('button', { name: 'Rerun' })).toBeEnabled();
});

test('hostile names stay text', async ({ page }) => {
  const hostile = `<img src=x onerror="document.title='owned'">`;
  await openPanel(page);
  const panel = page.locator('#jp-mlgov-panel');
  await runCells(page, [
    SETUP,
    `%%experiment hostile -m '${hostile}'\nscore = float(2) / 3`,
    `%%risk bad\nsituation: "<script>document.title='owned'</script>"\nseverity: low\nlikelihood: low`
  ]);
  const card = panel.locator('.jp-Mlgov-card');
  await expect(card).toContainText('<img src=x');
  await card.click();
  await expect(panel.getByText('<script>')).toBeVisible();
  await panel.getByRole('button', { name: 'Report' }).click();
  await expect(page.locator('.jp-Mlgov-report iframe')).toBeVisible();
  await expect(page.frameLocator('.jp-Mlgov-report iframe').locator('body')).toContainText(
    'hostile'
  );
  expect(await page.locator('.jp-Mlgov-panel img').count()).toBe(0);
  expect(await page.title()).not.toContain('owned');
});

test('the keyboard alone reaches the detail and comes back', async ({ page }) => {
  await openPanel(page);
  const panel = page.locator('#jp-mlgov-panel');
  await runCells(page, [SETUP, '%%experiment keys\nscore = float(1)']);
  await expect(panel.locator('.jp-Mlgov-card')).toHaveCount(1);
  await panel.locator('.jp-Mlgov-card').focus();
  await page.keyboard.press('Enter');
  await expect(panel.getByRole('button', { name: 'All snapshots' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(panel.locator('.jp-Mlgov-card')).toBeVisible();
});
