/** Models at work: releases with the gate that let them through, monitors, and a retraining with its progress. */
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';

import { seriousProblems } from '../axe';
import { expect, LONG, openPanel, test } from '../lab';

const REPOSITORY = path.resolve(__dirname, '../../..');

test('releases, monitors and a retraining stand in the panel', async ({ page, tmpPath }) => {
  const root = await page.evaluate(
    () => JSON.parse(document.getElementById('jupyter-config-data')?.textContent ?? '{}').serverRoot
  );
  execFileSync(
    'python',
    [path.join(__dirname, 'life_project.py'), path.join(root, tmpPath, 'credit')],
    {
      cwd: REPOSITORY,
      env: { ...process.env, PYTHONPATH: REPOSITORY },
      timeout: 400_000
    }
  );
  await page.evaluate(
    name => window.jupyterapp.commands.execute('docmanager:open', { path: name }),
    `${tmpPath}/credit/credit.ipynb`
  );
  const panel = await openPanel(page);
  await expect(panel.locator('h2')).toHaveText('credit.ipynb', LONG);
  // The panel may still be laying itself out: a press that began on the button can end beside it.
  const life = panel.getByRole('button', { name: 'Life', exact: true });
  await expect(async () => {
    await life.click();
    await expect(life).toHaveAttribute('aria-pressed', 'true', { timeout: 2_000 });
  }).toPass(LONG);
  const stage = panel.getByRole('region', { name: 'credit:production' });

  await test.step('a release says its version, its snapshot and the gate that let it through', async () => {
    await expect(stage).toContainText('version 1', LONG);
    await expect(stage).toContainText('once more');
    await expect(panel.getByRole('region', { name: 'credit:staging' })).toContainText(
      '<b>first</b> look'
    );
    await stage.getByText('Gate was open').first().click();
    await expect(stage.locator('.jp-Mlgov-rules').first()).toContainText('reproduced');
    await stage.getByText('1 release before').click();
    await expect(stage.getByRole('button', { name: 'credit #1' })).toHaveCount(2);
  });

  await test.step('its monitor says what moved, by how much, and how the KPI went', async () => {
    const monitor = stage.getByRole('group', { name: 'Monitor' });
    await expect(monitor).toContainText('500 rows, 500 with outcome');
    const bar = monitor.getByRole('img', { name: /^income: drift, / });
    await expect(bar).toBeVisible();
    await expect(monitor.locator('.jp-Mlgov-bars li').first()).toContainText('income');
    await expect(monitor.getByRole('img', { name: /^accuracy over 10 stretches/ })).toBeVisible();
    await monitor.getByText('1 run before').click();
    await expect(monitor).toContainText('nothing to do');
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await page.theme.setDarkTheme();
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await page.theme.setLightTheme();
  });

  await test.step('a retraining is cancelled, and another one followed to its end', async () => {
    const dialog = page.locator('.jp-Dialog');
    const start = stage.getByRole('button', { name: 'Retrain credit:production' });
    for (const ended of [false, true]) {
      await start.click();
      await dialog.locator('[name="data"]').fill(`${tmpPath}/credit/new.csv`);
      await dialog.locator('[name="mode"]').selectOption('add');
      expect(await seriousProblems(page, '.jp-Dialog')).toEqual([]);
      await dialog.getByRole('button', { name: 'Retrain', exact: true }).click();
      const job = stage.getByRole('group', { name: 'Retraining' });
      await expect(job.getByRole('progressbar')).toBeVisible();
      if (!ended) {
        await job.getByRole('button', { name: 'Cancel' }).click();
        await expect(job).toHaveCount(0);
      }
    }
    const last = stage.getByRole('group', { name: 'Last retraining' });
    await expect(last).toBeVisible(LONG);
    await expect(last).toContainText('300 rows of new.csv');
    await expect(last.locator('tr', { hasText: 'retrained' })).toBeVisible();
    await last.getByRole('button', { name: 'credit #2' }).click();
    await expect(panel.locator('h3')).toContainText('#2');
  });

  await test.step('a file that is not there is one line', async () => {
    await page.keyboard.press('Escape');
    await stage.getByRole('button', { name: 'Retrain credit:production' }).click();
    const dialog = page.locator('.jp-Dialog');
    await dialog.locator('[name="data"]').fill('../secret.csv');
    await dialog.getByRole('button', { name: 'Retrain', exact: true }).click();
    await expect(panel.getByRole('alert')).toContainText('secret.csv');
  });
});
