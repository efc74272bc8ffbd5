/**
 * What the sidebar costs, in figures: `make measure-sidebar` writes docs/reference/sidebar-cost.md.
 *
 * How long the list of 10,000 snapshots takes to open, at how many frames a second it scrolls, and how long a cell takes
 * with the sidebar open and without. Real Chromium, server, kernel and store.
 */
import type { ILabShell } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import * as path from 'node:path';

import { expect, LONG, openNotebook, openPanel, runAll, test } from '../lab';

const COUNT = 10_000;
const ROUNDS = 15;
const PAIRS = 60;
const PAGE = path.resolve(__dirname, '../../../docs/reference/sidebar-cost.md');

test.setTimeout(1_800_000);

const figures: string[] = [];

test.afterAll(() => {
  if (figures.length > 0) {
    writeFileSync(PAGE, page(figures));
  }
});

test('10,000 snapshots in the list', async ({ page, tmpPath }) => {
  const root = await page.evaluate(
    () => JSON.parse(document.getElementById('jupyter-config-data')?.textContent ?? '{}').serverRoot
  );
  execFileSync(
    'python',
    [path.join(__dirname, 'many_snapshots.py'), path.join(root, tmpPath), `${COUNT}`],
    {
      timeout: 1_200_000
    }
  );
  await page.evaluate(
    name => window.jupyterapp.commands.execute('docmanager:open', { path: name }),
    `${tmpPath}/many.ipynb`
  );
  const panel = await openPanel(page);
  await panel.locator('[data-snapshot]').first().waitFor(LONG);

  // From the click until the rows are drawn: requests, server and store included.
  const opened: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await panel.getByRole('button', { name: 'Risks', exact: true }).click();
    await expect(panel.locator('[data-snapshot]')).toHaveCount(0);
    opened.push(
      await page.evaluate(
        () =>
          new Promise<number>(resolve => {
            const start = performance.now();
            const look = (): void => {
              if (document.querySelectorAll('#jp-mlgov-panel [data-snapshot]').length > 4) {
                requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
              } else {
                requestAnimationFrame(look);
              }
            };
            void window.jupyterapp.commands.execute('mlgov:show-project').then(look);
          })
      )
    );
  }
  await expect(panel.getByRole('status')).toContainText(/10,?000 snapshots/);
  figures.push(
    `| open the list of 10,000 snapshots, median of ${ROUNDS} | ${Math.round(median(opened))} ms | under 1,000 ms |`
  );
  figures.push(`| the same, slowest | ${Math.round(Math.max(...opened))} ms | |`);

  const frames = await page.evaluate(
    () =>
      new Promise<{ steady: number[]; drawn: number; asked: number }>(resolve => {
        const box = document.querySelector('#jp-mlgov-panel .jp-Mlgov-virtual');
        const steady: number[] = [];
        let last = performance.now();
        let drawn = 0;
        const start = last;
        const step = (now: number): void => {
          steady.push(now - last);
          last = now;
          drawn += document.querySelectorAll('#jp-mlgov-panel [data-snapshot]').length > 0 ? 1 : 0;
          if (now - start > 5000 || box === null) {
            resolve({ steady: steady.slice(1), drawn, asked: steady.length });
            return;
          }
          // A quick finger on the wheel: some 3,000 pixels a second.
          box.scrollTop += 50;
          requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      })
  );
  const total = frames.steady.reduce((sum, one) => sum + one, 0);
  const sorted = [...frames.steady].sort((one, other) => one - other);
  const late = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  figures.push(
    `| frames a second while it scrolls for 5 s | ${((1000 * sorted.length) / total).toFixed(1)} | 50 |`
  );
  figures.push(`| time between frames, 95th percentile | ${late.toFixed(1)} ms | 20 ms |`);
  expect(frames.drawn).toBeGreaterThan(0);
});

test('a cell with the sidebar open and without', async ({ page, tmpPath }) => {
  const cell = 'total = sum(range(2_000_000))';
  await openNotebook(page, `${tmpPath}/cost.ipynb`, [
    '%load_ext jupyter_mlgov',
    '%%experiment cost\nanswer = 42',
    cell
  ]);
  const panel = await openPanel(page);
  await runAll(page);
  await panel.locator('[data-snapshot]').first().waitFor(LONG);
  const times: Record<'open' | 'closed', number[]> = { open: [], closed: [] };
  for (let round = 0; round < PAIRS; round += 1) {
    // In pairs, the order turned round each time: what the machine does besides falls on both.
    const order = round % 2 === 0 ? (['open', 'closed'] as const) : (['closed', 'open'] as const);
    for (const state of order) {
      if (state === 'open') {
        await openPanel(page);
      } else {
        await page.evaluate(() => {
          (window.jupyterapp.shell as unknown as ILabShell).collapseLeft();
        });
        await expect(panel).toBeHidden();
      }
      times[state].push(
        await page.evaluate(async () => {
          const notebook = window.jupyterapp.shell.currentWidget as unknown as NotebookPanel;
          notebook.content.activeCellIndex = 2;
          const start = performance.now();
          await window.jupyterapp.commands.execute('notebook:run-cell');
          return performance.now() - start;
        })
      );
      // What the sidebar does after a run is over before the next one starts.
      await page.waitForTimeout(700);
    }
  }
  const closed = median(times.closed);
  const differences = times.open.map((time, round) => time - (times.closed[round] ?? 0));
  const [low, middle, high] = [0.25, 0.5, 0.75].map(share => quantile(differences, share));
  figures.push(
    `| a cell of ${Math.round(closed)} ms, sidebar closed, median of ${PAIRS} | ${closed.toFixed(1)} ms | |`
  );
  figures.push(
    `| what it takes longer with the sidebar open, median of ${PAIRS} pairs (middle half of them) | ${signed(middle)} ms (${signed(low)} to ${signed(high)}) | 0 |`
  );
  expect(times.open.length).toBe(times.closed.length);
});

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

function signed(value = 0): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}

function page(rows: readonly string[]): string {
  return `# What the sidebar costs

Written by \`make measure-sidebar\`: JupyterLab in real Chromium (headless, drawn by the processor), a real server, kernel and
store, on a machine with ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}). Opening counts from the command until the
rows are drawn, with the server's answers; a cell's time is the one that the browser sees.

| what | measured | target |
|---|---|---|
${rows.join('\n')}
`;
}
