/**
 * JupyterLab as the tests drive it. What Galata waits for 15 seconds is waited for as long as a busy machine needs;
 * notebooks are written as files and run by commands, which is quicker than typing them.
 */
import { type IJupyterLabPageFixture, test as base } from '@jupyterlab/galata';
import * as utils from '@jupyterlab/galata/lib/utils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Locator } from '@playwright/test';

export { expect } from '@jupyterlab/galata';
export type Page = IJupyterLabPageFixture;

/** For whatever starts a kernel or executes a notebook. */
export const LONG = { timeout: 150_000 };

// Galata gives JupyterLab 15 seconds to start and to react; a machine that does other work too needs more.
const { waitForCondition } = utils;
Object.assign(utils, {
  waitForCondition: (fn: () => boolean | Promise<boolean>, timeout = 0) =>
    waitForCondition(fn, Math.max(timeout, LONG.timeout))
});

export const test = base.extend({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the names of the fixtures from the pattern
  waitForApplication: async ({}, use) => {
    await use(async page => {
      await page.locator('#jupyterlab-splash').waitFor({ state: 'detached', ...LONG });
      await page.locator('#jp-main-dock-panel .jp-Activity, .jp-Launcher').first().waitFor(LONG);
    });
  }
});

export function panelOf(page: Page): Locator {
  return page.locator('#jp-mlgov-panel');
}

export async function openPanel(page: Page): Promise<Locator> {
  const panel = panelOf(page);
  if (!(await panel.isVisible())) {
    await page.evaluate(() => window.jupyterapp.commands.execute('mlgov:open'));
  }
  await panel.waitFor();
  return panel;
}

export type CellSource =
  | string
  | { readonly code: string; readonly tags: readonly string[] }
  | { readonly markdown: string; readonly tags?: readonly string[] };

/** Writes a notebook and opens it; with `kernel: false` its kernel does not start. */
export async function openNotebook(
  page: Page,
  path: string,
  cells: readonly CellSource[]
): Promise<void> {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' },
      language_info: { name: 'python' }
    },
    cells: cells.map((cell, index) =>
      typeof cell === 'string' || 'code' in cell
        ? {
            cell_type: 'code',
            id: `cell-${index}-id`,
            source: typeof cell === 'string' ? cell : cell.code,
            metadata: typeof cell === 'string' ? {} : { tags: cell.tags },
            outputs: [],
            execution_count: null
          }
        : {
            cell_type: 'markdown',
            id: `cell-${index}-id`,
            source: cell.markdown,
            metadata: cell.tags === undefined ? {} : { tags: cell.tags }
          }
    )
  };
  await page.contents.uploadContent(JSON.stringify(notebook), 'text', path);
  await page.evaluate(async name => {
    await window.jupyterapp.commands.execute('docmanager:open', {
      path: name,
      factory: 'Notebook'
    });
  }, path);
  await page.locator('.jp-Notebook:visible .jp-Cell').first().waitFor(LONG);
}

/** Runs all cells of the notebook in front, once its kernel is there; gives back when they have run. */
export async function runAll(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const panel = window.jupyterapp.shell.currentWidget as unknown as NotebookPanel;
    await panel.sessionContext.ready;
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
  });
}

/** Runs one cell of the notebook in front. */
export async function runCell(page: Page, place: number): Promise<void> {
  await page.evaluate(async index => {
    const panel = window.jupyterapp.shell.currentWidget as unknown as NotebookPanel;
    panel.content.activeCellIndex = index;
    await window.jupyterapp.commands.execute('notebook:run-cell');
  }, place);
}

/** Edits a cell of the notebook in front, as typing does; nothing is saved. */
export async function edit(page: Page, place: number, source: string): Promise<void> {
  await page.evaluate(
    ([index, text]) => {
      const panel = window.jupyterapp.shell.currentWidget as unknown as NotebookPanel;
      panel.content.model?.sharedModel.getCell(index as number).setSource(text as string);
    },
    [place, source]
  );
}

export async function sources(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const panel = window.jupyterapp.shell.currentWidget as unknown as NotebookPanel;
    return panel.content.widgets.map(cell => cell.model.sharedModel.getSource());
  });
}

export async function activeCell(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      (window.jupyterapp.shell.currentWidget as unknown as NotebookPanel).content.activeCellIndex
  );
}

/** Brings a cell into view: those far away are not in the page. */
export async function scrollTo(page: Page, place: number): Promise<void> {
  await page.evaluate(async index => {
    const notebook = (window.jupyterapp.shell.currentWidget as unknown as NotebookPanel).content;
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index, 'start');
  }, place);
}

/** Brings the tab back that shows the notebook. */
export async function showNotebook(page: Page, path: string): Promise<void> {
  await page.evaluate(async name => {
    await window.jupyterapp.commands.execute('docmanager:open', { path: name });
  }, path);
}
