/** The documentation's pictures of the widgets, from a small model on a real kernel: `make screenshots`. */
import type { Locator } from '@playwright/test';
import * as path from 'node:path';

import { expect, openNotebook, type Page, runAll, scrollTo, test } from '../lab';

const REPOSITORY = path.resolve(__dirname, '../../..');
const IMAGES = process.env.MLGOV_SCREENSHOTS_TO ?? path.join(REPOSITORY, 'docs/images');
const PATIENT = { timeout: 600_000 };

const CHARTER = `%%charter
title: Second reading of loan applications
value_of_right: 60 USD
cost_of_wrong: {false negative: 400 USD, false positive: 60 USD}
kpis: [recall >= 0.80, precision >= 0.60]`;
const DATA = `import jupyter_mlgov as mlgov
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
random = np.random.default_rng(0)
X = pd.DataFrame({"income": random.normal(50, 12, 900), "debt": random.normal(20, 8, 900), "age": random.normal(44, 11, 900)})
y = (X.debt - 0.3 * X.income + random.normal(scale=6, size=900) > 6).astype(int)`;
const EXPERIMENT = (message: string, C: number): string => `%%experiment loans -m "${message}"
C = ${C}
model = LogisticRegression(C=C, max_iter=500).fit(X[:600], y[:600])
accuracy = float(model.score(X[600:], y[600:]))
recall = float(model.predict(X[600:])[y[600:] == 1].mean())`;

test.use({ viewport: { width: 1100, height: 1300 }, deviceScaleFactor: 1 });
test.setTimeout(1_200_000);

/** A cell that is brought into view first. */
async function show(page: Page, place: number): Promise<Locator> {
  await scrollTo(page, place);
  return page.locator(`.jp-Notebook:visible .jp-Cell[data-windowed-list-index="${place}"]`);
}

async function picture(page: Page, place: number, name: string): Promise<void> {
  await page.evaluate(() => {
    document.querySelectorAll('.Toastify__toast').forEach(one => {
      one.remove();
    });
  });
  const cell = await show(page, place);
  await page.mouse.move(1099, 450);
  await cell.screenshot({ path: path.join(IMAGES, name), animations: 'disabled' });
}

test('the widgets in a notebook', async ({ page, tmpPath }) => {
  await openNotebook(page, `${tmpPath}/loans.ipynb`, [
    '%load_ext jupyter_mlgov',
    CHARTER,
    DATA,
    EXPERIMENT('first try', 0.0001),
    EXPERIMENT('less regularisation', 0.001),
    EXPERIMENT('as the board wants it', 1),
    'mlgov.explore()',
    'mlgov.decide(model, X[600:], y[600:])',
    'mlgov.watch_rerun("loans")',
    'mlgov.risk_form()'
  ]);
  await page.sidebar.close('left');
  await runAll(page);
  const rerun = await show(page, 8);
  await expect(rerun).toContainText('reproduced', PATIENT);
  const decide = await show(page, 7);
  await decide.getByRole('button', { name: 'Explain' }).click(PATIENT);
  await expect(decide).toContainText('by SHAP', PATIENT);
  const risk = await show(page, 9);
  await risk.getByLabel('id', { exact: true }).fill('thin-data');
  await risk.getByLabel('situation').fill('Very large loans, of which the data has few');
  await risk.getByLabel('check').fill('recall >= 0.5');
  await risk.getByLabel('check').blur();
  await risk.getByRole('button', { name: 'Try the check' }).click();
  await expect(risk.locator('.mlgov-card')).toBeVisible(PATIENT);
  await picture(page, 6, 'widgets-explore.png');
  await picture(page, 7, 'widgets-decide.png');
  await picture(page, 8, 'widgets-rerun.png');
  await picture(page, 9, 'widgets-risk.png');
  await page.theme.setDarkTheme();
  await expect(page.locator('body')).toHaveAttribute('data-jp-theme-light', 'false', PATIENT);
  await picture(page, 7, 'widgets-dark.png');
});
