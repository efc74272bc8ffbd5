/** The whole project in the panel: snapshots found by text, bounds, tags, author and notebook, and the model inventory. */
import { seriousProblems } from '../axe';
import { expect, LONG, openNotebook, openPanel, runAll, test } from '../lab';

const SETUP = '%load_ext jupyter_mlgov';
const CHARTER = `%%charter
title: Loans <b>first</b>
owner: Ada
intended_use: Orders the queue of the underwriter
kpis: [auc >= 0.7]`;

test('a project is searched by text, bound, tag, author and notebook', async ({
  page,
  tmpPath
}) => {
  const panel = await openPanel(page);
  const cards = panel.locator('[data-snapshot]');
  await openNotebook(page, `${tmpPath}/loans.ipynb`, [
    SETUP,
    {
      code: '%%experiment loans -m "first try"\nauc = sum([0.5, 0.25])',
      tags: ['candidate', 'Q3 board']
    }
  ]);
  await runAll(page);
  await expect(cards).toHaveCount(1, LONG);
  await expect(cards).toContainText('#candidate');
  await openNotebook(page, `${tmpPath}/churn.ipynb`, [
    SETUP,
    CHARTER,
    '%%experiment churn -m "second thoughts"\nauc = sum([0.5, 0.15])'
  ]);
  await runAll(page);
  await expect(cards).toHaveCount(1, LONG);

  const search = panel.getByRole('searchbox', { name: 'Search the snapshots' });
  await test.step('each word narrows the list', async () => {
    await panel.getByRole('button', { name: 'Project', exact: true }).click();
    await expect(cards).toHaveCount(2);
    for (const [query, name] of [
      ['auc>=0.7', 'loans'],
      ['auc<0.7', 'churn'],
      ['tag:candidate', 'loans'],
      ['tag:"q3 board" auc>0.5', 'loans'],
      ['second', 'churn'],
      ['notebook:churn', 'churn'],
      ['author:ada experiment:loans', 'loans'],
      ['kpis:missed', 'churn']
    ] as const) {
      await search.fill(query);
      await expect(cards).toHaveCount(1);
      await expect(cards).toContainText([name]);
      await expect(panel.locator('.jp-Mlgov-search [role="status"]')).toHaveText('1 snapshot');
    }
    await search.fill('nobody wrote this');
    await expect(panel.getByText('No snapshot matches the search.')).toBeVisible();
    await search.fill('author:ada');
    await expect(cards).toHaveCount(2);
  });

  await test.step('how to search is told, and a way is one key away', async () => {
    await panel.getByText('How to search').click();
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await panel.getByRole('button', { name: 'verdict:never' }).press('Enter');
    await expect(search).toHaveValue('author:ada verdict:never');
    await expect(search).toBeFocused();
    await expect(cards).toHaveCount(2);
    await search.fill('');
  });

  await test.step('the inventory says how each model stands, and leads to its snapshots', async () => {
    await panel.getByRole('button', { name: 'Models', exact: true }).click();
    const churn = panel.getByRole('article', { name: 'Loans <b>first</b>' });
    await expect(churn).toContainText('Orders the queue');
    await expect(churn).toContainText('0 of 1 met');
    await expect(churn).toContainText('never rerun');
    await expect(churn).toContainText('closed');
    await expect(panel.getByRole('article')).toHaveCount(2);
    await expect(panel.getByText('2 of 2 models, 0 with an open gate')).toBeVisible();
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await page.theme.setDarkTheme();
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await page.theme.setLightTheme();
    await panel.getByRole('searchbox', { name: 'Filter the models' }).fill('underwriter');
    await expect(panel.getByRole('article')).toHaveCount(1);
    await panel.getByRole('button', { name: 'All snapshots of churn' }).click();
    await expect(cards).toHaveCount(1);
    await expect(search).toHaveValue('experiment:churn');
    await panel.getByRole('button', { name: 'Models', exact: true }).click();
    await churn.getByRole('button', { name: 'churn@1' }).click();
    await expect(panel.locator('h3')).toContainText('#1 churn');
  });
});
