/** The notebook's widgets in JupyterLab: explorers, a rerun that is followed, and a risk that a form writes. */
import { expect, LONG, openNotebook, openPanel, runAll, runCell, sources, test } from '../lab';

const SETUP = '%load_ext jupyter_mlgov\nimport jupyter_mlgov as mlgov';
const CHARTER = `%%charter
title: Loans
value_of_right: 60 USD
cost_of_wrong: {false negative: 400 USD, false positive: 20 USD}
kpis: [recall >= 0.9]`;
const MODEL = `%%experiment loans
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
random = np.random.default_rng(0)
X = pd.DataFrame({"income": random.normal(size=300), "age": random.normal(size=300)})
y = (X["income"] + random.normal(scale=0.5, size=300) > 0).astype(int)
model = LogisticRegression().fit(X, y)
accuracy = float(model.score(X, y))`;

test('explorers, a rerun and a risk form are widgets in the notebook', async ({
  page,
  tmpPath
}) => {
  const panel = await openPanel(page);
  await openNotebook(page, `${tmpPath}/widgets.ipynb`, [
    SETUP,
    CHARTER,
    MODEL,
    'mlgov.explore()',
    'mlgov.decide(model, X, y)',
    'mlgov.watch_rerun("loans")',
    'mlgov.risk_form()'
  ]);
  const output = (place: number) =>
    page.locator('.jp-Notebook:visible .jp-Cell').nth(place).locator('.jp-OutputArea');
  await runAll(page);
  await expect(panel.locator('[data-snapshot]')).toHaveCount(1, LONG);

  await test.step('the table is sorted and searched, and a metric drawn over time', async () => {
    const explore = output(3);
    await explore.scrollIntoViewIfNeeded();
    await expect(explore.getByRole('row').nth(1)).toContainText('loans', LONG);
    await explore.getByLabel('Search').fill('accuracy>2');
    await explore.getByLabel('Search').press('Enter');
    await expect(explore).toContainText('No snapshot');
    await explore.getByLabel('Search').fill('');
    await explore.getByLabel('Search').press('Enter');
    await expect(explore.getByRole('row')).toHaveCount(2);
    await explore.getByRole('tab', { name: 'Over time' }).click();
    await expect(explore.getByRole('img', { name: /^accuracy: 1 value/ })).toBeVisible();
  });

  await test.step('the threshold moves by keyboard, and a row is explained', async () => {
    const decide = output(4);
    await decide.scrollIntoViewIfNeeded();
    const counts = decide.locator('caption').first();
    const before = await counts.textContent();
    await decide.getByRole('slider').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect(counts).not.toHaveText(before ?? '');
    await expect(decide).toContainText('Value of all decisions');
    await page.keyboard.press('End');
    await expect(decide).toContainText('not met');
    await decide.getByRole('button', { name: 'Explain' }).click();
    await expect(decide).toContainText('by SHAP', LONG);
  });

  await test.step('a rerun is followed to its verdict while the notebook goes on', async () => {
    const watched = output(5);
    await watched.scrollIntoViewIfNeeded();
    await expect(watched).toContainText('reproduced', LONG);
    await expect(panel.locator('.jp-Mlgov-state')).toBeVisible();
  });

  await test.step('a rerun that is cancelled says so', async () => {
    const watched = output(5);
    await runCell(page, 5);
    await watched.getByRole('button', { name: 'Cancel' }).click(LONG);
    await expect(watched).toContainText('the rerun was cancelled', LONG);
  });

  await test.step('a risk is tried, and written into the notebook as a cell', async () => {
    const form = output(6);
    await form.scrollIntoViewIfNeeded();
    await form.getByLabel('id', { exact: true }).fill('thin-data');
    await form.getByLabel('situation').fill('Few <b>large</b> loans');
    await form.getByLabel('check').fill('len(X) >= 100');
    await form.getByLabel('check').blur();
    await form.getByRole('button', { name: 'Try the check' }).click();
    await expect(form).toContainText('passed', LONG);
    await form.getByRole('button', { name: 'Write the cell' }).click();
    await expect(form).toContainText('Written: cell 8', LONG);
    const written = (await sources(page))[7] ?? '';
    expect(written).toMatch(/^%%risk thin-data\nsituation: Few <b>large<\/b> loans\n/);
    await runCell(page, 7);
    await panel.getByRole('button', { name: 'Risks', exact: true }).click();
    const row = panel.locator('.jp-Mlgov-register li', { hasText: 'thin-data' });
    await expect(row).toContainText('check passed', LONG);

    // A second time: the same cell, changed in place.
    await form.getByLabel('severity').selectOption('high');
    await form.getByRole('button', { name: 'Write the cell' }).click();
    await expect.poll(async () => (await sources(page))[7]).toContain('severity: high');
    expect(await sources(page)).toHaveLength(8);
  });
});
