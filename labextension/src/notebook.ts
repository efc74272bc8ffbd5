/**
 * The notebook as the user sees it, unsaved edits included, as it goes to the kernel with a cell that is recorded.
 * Nothing here needs a browser.
 */

export interface ICellLike {
  readonly id: string;
  readonly cell_type: string;
  getSource(): string;
  getMetadata(): unknown;
}

export interface INotebookLike {
  readonly cells: readonly ICellLike[];
  getMetadata(): unknown;
}

const RECORDED = /^(?:\s*%%\w.*\n)*\s*%%(?:experiment|risk|charter)\b/;
const SNAPSHOT = /^[ \t]*%mlgov[ \t]+snapshot\b/m;

/** Whether the kernel's extension has to know the notebook when it runs `code`. */
export function isRecorded(code: string): boolean {
  return RECORDED.test(code) || SNAPSHOT.test(code);
}

const EXPERIMENT = /^(?:\s*%%\w.*\n)*\s*%%experiment[ \t]+(.*)/;
const WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/g;
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,99}$/u;

/** The name of the experiment that a cell's first lines declare, or null. Options may stand before it. */
export function experimentOf(code: string): string | null {
  const words = EXPERIMENT.exec(code)?.[1]?.match(WORD) ?? [];
  for (let place = 0; place < words.length; place += 1) {
    const word = words[place] ?? '';
    if (!word.startsWith('-')) {
      const name = word.replace(/["']/g, '');
      return NAME.test(name) ? name : null;
    }
    // `--seed=1` and `-mtext` are one word; nothing follows `--show`.
    if (word !== '--show' && !word.includes('=') && !/^-[^-]./.test(word)) {
      place += 1;
    }
  }
  return null;
}

/** What goes into the metadata of the execution request, as `mlgov`. Outputs stay here: the kernel has its own. */
export function describe(notebook: INotebookLike, path: string, root: string): object {
  return {
    path,
    root,
    metadata: notebook.getMetadata(),
    cells: notebook.cells.map(cell => ({
      id: cell.id,
      cell_type: cell.cell_type,
      source: cell.getSource(),
      metadata: cell.getMetadata()
    }))
  };
}
