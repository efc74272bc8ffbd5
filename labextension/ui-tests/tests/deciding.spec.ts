/** Snapshot now, approvals, and cards in the document; with the keyboard alone where there is one. */
import { seriousProblems } from '../axe';
import {
  edit,
  expect,
  LONG,
  openNotebook,
  openPanel,
  runAll,
  runCell,
  sources,
  test
} from '../lab';

const SETUP = '%load_ext jupyter_mlgov';
const EXPERIMENT = `%%experiment trial --kpi "score >= 1"
score = rate * 2`;
const CHARTER = '## What it is for\n\n```yaml\ntitle: Loans\nkpis:\n  - score >= 1\n```';
const RISK = `## Risk: thin data

\`\`\`yaml
situation: <img src=x onerror="document.title='owned'">
severity: critical
likelihood: low
\`\`\``;

test('a snapshot of the notebook as it stands is taken by keyboard, with a kernel and without', async ({
  page,
  tmpPath
}) => {
  await openNotebook(page, `${tmpPath}/now.ipynb`, [SETUP, 'rate = 2', EXPERIMENT]);
  const panel = await openPanel(page);
  const cards = panel.locator('[data-snapshot]');
  const dialog = page.locator('.jp-Dialog');
  // Warnings of hidden state are marks too, at other cells.
  const mark = page.locator('.jp-Cell').nth(2).locator('.jp-Mlgov-cellMark');
  await runAll(page);
  await expect(cards).toHaveCount(1, LONG);

  await test.step('unsaved edits are in it, and the result is the one of the run', async () => {
    await edit(page, 1, 'rate = 3  # not run yet');
    await expect(mark).toHaveText(/changed since trial #1/);
    await page.locator('.jp-Cell').nth(1).click();
    await page.keyboard.press('ControlOrMeta+Alt+s');
    await expect(dialog.locator('[name="experiment"]')).toHaveValue('trial');
    await expect(dialog.locator('[name="message"]')).toBeFocused();
    expect(await seriousProblems(page, '.jp-Dialog')).toEqual([]);
    await page.keyboard.type('before I try another rate');
    await page.keyboard.press('Enter');
    await expect(cards).toHaveCount(2, LONG);
    await expect(cards.first()).toContainText('before I try another rate');
    await cards.first().focus();
    await page.keyboard.press('Enter');
    await expect(panel.locator('.jp-Mlgov-detail')).toContainText('was edited after it ran');
    await expect(panel.locator('.jp-Mlgov-values').first()).toContainText('4');
    // What has not run is no result: the mark still says so.
    await expect(mark).toHaveText(/changed since trial #2/);
    await page.keyboard.press('Escape');
  });

  await test.step('once the edit has run, the snapshot is current', async () => {
    await runCell(page, 1);
    await runCell(page, 2);
    await expect(cards).toHaveCount(3, LONG);
    await expect(mark).toHaveText(/current: trial #3/);
  });

  await test.step('without a kernel, the snapshot says what is not in it', async () => {
    await page.evaluate(() =>
      (
        window.jupyterapp.shell.currentWidget as unknown as {
          sessionContext: { shutdown: () => Promise<void> };
        }
      ).sessionContext.shutdown()
    );
    await panel.getByRole('button', { name: 'Snapshot now' }).click();
    await dialog.getByRole('button', { name: 'Take the snapshot' }).click();
    await expect(cards).toHaveCount(4, LONG);
    await cards.first().click();
    await expect(panel.locator('.jp-Mlgov-detail')).toContainText('recorded without its kernel');
    await expect(panel.locator('.jp-Mlgov-detail')).toContainText('No metric was computed');
  });
});

test('a snapshot is rejected and approved with a reason, and only with a key', async ({
  page,
  tmpPath
}) => {
  await openNotebook(page, `${tmpPath}/decided.ipynb`, [
    SETUP,
    'rate = 2',
    EXPERIMENT,
    { markdown: CHARTER, tags: ['charter'] },
    { markdown: RISK, tags: ['risk'] }
  ]);
  const panel = await openPanel(page);
  const dialog = page.locator('.jp-Dialog');
  await runAll(page);
  await panel.locator('[data-snapshot]').click(LONG);
  const gate = panel.locator('.jp-Mlgov-gate');

  await test.step('why the gate is closed is seen at once', async () => {
    await expect(gate.locator('.jp-Mlgov-rules')).toContainText(/rerun/i);
    await expect(gate.getByRole('button', { name: 'Approve…' })).toBeVisible();
  });

  await test.step('without a key nothing is signed, and it says how to make one', async () => {
    await gate.getByRole('button', { name: 'Approve…' }).click();
    await expect(dialog).toContainText('no signing key yet');
    await expect(dialog.locator('.jp-Mlgov-command')).toHaveText('mlgov key new');
    expect(await seriousProblems(page, '.jp-Dialog')).toEqual([]);
    await dialog.getByRole('button', { name: 'Close' }).click();
  });

  await test.step('a decision needs a reason, and is shown with who signed it', async () => {
    await edit(page, 1, '!mlgov key new');
    await runCell(page, 1);
    await expect(page.locator('.jp-OutputArea-output').first()).toContainText('ed25519', LONG);
    await gate.getByRole('button', { name: 'Reject…' }).click();
    const sign = dialog.getByRole('button', { name: 'Sign the rejection' });
    await dialog.locator('[name="name"]').fill('Ada');
    await dialog.locator('[name="role"]').fill('validator');
    await expect(sign).toBeDisabled();
    await dialog.locator('[name="message"]').fill('The data is too thin');
    await sign.click();
    const decisions = gate.getByRole('list', { name: 'Decisions' });
    await expect(decisions).toContainText('rejected');
    await expect(decisions).toContainText('Ada');
    await expect(decisions).toContainText('The data is too thin');
    await expect(gate.locator('.jp-Mlgov-rules')).toContainText('Ada');

    await gate.getByRole('button', { name: 'Approve…' }).click();
    await dialog.locator('[name="name"]').fill('Ada');
    await dialog.locator('[name="role"]').fill('validator');
    await dialog.locator('[name="message"]').fill('Looked at it again');
    await dialog.getByRole('checkbox', { name: /Accept the risk thin-data/ }).check();
    expect(await seriousProblems(page, '.jp-Dialog')).toEqual([]);
    await dialog.getByRole('button', { name: 'Sign the approval' }).click();
    await expect(decisions.locator('li')).toHaveCount(2);
    await expect(decisions).toContainText('approved');
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
  });

  await test.step('charter and risk are cards in the document, light and dark', async () => {
    const risk = page.getByRole('article', { name: 'risk: thin data' });
    await risk.scrollIntoViewIfNeeded();
    await expect(risk).toContainText('<img src=x');
    await expect(risk).toContainText('critical');
    await expect(page.getByRole('article', { name: 'charter: Loans' })).toContainText('score >= 1');
    const yaml = page.locator('.jp-Mlgov-annotated .jp-RenderedMarkdown pre');
    await expect(yaml.first()).toBeHidden();
    expect(await seriousProblems(page, '.jp-Mlgov-annotations')).toEqual([]);
    await page.theme.setDarkTheme();
    expect(await seriousProblems(page, '.jp-Mlgov-annotations')).toEqual([]);
    expect(await seriousProblems(page, '#jp-mlgov-panel')).toEqual([]);
    await page.theme.setLightTheme();
    await page.locator('.jp-Mlgov-annotated').last().dblclick();
    await expect(risk).toBeHidden();
    expect((await sources(page))[4]).toBe(RISK);
    expect(await page.title()).not.toContain('owned');
  });
});

test('a risk of a markdown cell is edited in that cell, and the next snapshot has it', async ({
  page,
  tmpPath
}) => {
  const text = RISK.replace('low\n', 'low\nresidual_risk: small\n').concat(
    '\n\nAsked for by *audit*.\n'
  );
  await openNotebook(page, `${tmpPath}/risks.ipynb`, [
    SETUP,
    'rate = 2',
    { markdown: text, tags: ['risk'] },
    EXPERIMENT
  ]);
  const panel = await openPanel(page);
  const dialog = page.locator('.jp-Dialog');
  const card = page.getByRole('article', { name: 'risk: thin data' });
  await runAll(page);
  await expect(panel.locator('[data-snapshot]')).toHaveCount(1, LONG);
  await panel.getByRole('button', { name: 'Risks', exact: true }).click();
  const row = panel.locator('.jp-Mlgov-register li', { hasText: 'thin-data' });
  await expect(row).toContainText('critical');
  await row.getByRole('button', { name: 'Edit thin-data' }).click();
  await expect(dialog.locator('[name="situation"]')).toHaveValue(/^<img src=x/);
  await expect(dialog.locator('[name="situation"]')).toBeFocused();
  await expect(dialog).toContainText('the next snapshot records it');
  await expect(dialog.getByRole('button', { name: 'Write and run' })).toHaveCount(0);
  expect(await seriousProblems(page, '.jp-Dialog')).toEqual([]);
  await dialog.locator('[name="severity"]').selectOption('high');
  await dialog.locator('[name="owner"]').fill('Ada');
  await dialog.getByRole('button', { name: 'Write the cell' }).click();
  await expect(card).toContainText('high');
  await expect(card).toContainText('Ada');
  const cells = await sources(page);
  expect(cells).toHaveLength(4);
  expect(cells[2]).toBe(text.replace('critical', 'high').replace('small\n', 'small\nowner: Ada\n'));
  await runCell(page, 3);
  await expect(row).toContainText('high', LONG);
  expect(await page.title()).not.toContain('owned');
});

test('hidden state is told at the cell that it is about', async ({ page, tmpPath }) => {
  await openNotebook(page, `${tmpPath}/hidden.ipynb`, [SETUP, 'rate = 2', EXPERIMENT]);
  const panel = await openPanel(page);
  const cell = (place: number) => page.locator('.jp-Cell').nth(place);
  await runAll(page);
  await expect(panel.locator('[data-snapshot]')).toHaveCount(1, LONG);
  await expect(page.locator('.jp-Mlgov-cellWarning')).toHaveCount(0);
  // The number that the experiment takes is no longer the one that stands there.
  await edit(page, 1, 'rate = 3');
  await runCell(page, 2);
  await expect(panel.locator('[data-snapshot]')).toHaveCount(2, LONG);
  const warning = cell(1).getByRole('note');
  await expect(warning).toContainText('hidden state');
  await expect(warning).toContainText('edited');
  await expect(cell(0).getByRole('note')).toHaveCount(0);
  await expect(cell(2).getByRole('note')).toHaveCount(0);
  expect(await seriousProblems(page, '.jp-Mlgov-cellMark')).toEqual([]);
  await page.theme.setDarkTheme();
  expect(await seriousProblems(page, '.jp-Mlgov-cellMark')).toEqual([]);
  await page.theme.setLightTheme();
  await runCell(page, 1);
  await runCell(page, 2);
  await expect(panel.locator('[data-snapshot]')).toHaveCount(3, LONG);
  await expect(warning).toHaveCount(0);
});

test('it is found in the launcher, the palette and the file browser', async ({ page, tmpPath }) => {
  await page.contents.uploadContent(
    '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    'text',
    `${tmpPath}/there.ipynb`
  );
  await page.evaluate(() => window.jupyterapp.commands.execute('launcher:create'));
  // The launcher that JupyterLab starts with lies behind the new one.
  await expect(
    page
      .locator('.jp-LauncherCard:visible', { hasText: 'Show the Snapshots of the Project' })
      .first()
  ).toBeVisible();
  await page.evaluate(() => window.jupyterapp.commands.execute('filebrowser:activate'));
  await page.locator('.jp-DirListing-item', { hasText: 'there.ipynb' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Open with ML Governance' }).click();
  const panel = page.locator('#jp-mlgov-panel');
  await expect(panel).toBeVisible();
  await expect(panel.locator('h2')).toHaveText('there.ipynb', LONG);
  await page.keyboard.press('ControlOrMeta+Shift+c');
  await page.locator('#modal-command-palette input').fill('ML Governance');
  await expect(page.locator('#modal-command-palette')).toContainText('Snapshot Now');
});
