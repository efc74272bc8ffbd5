/** From what was recorded to the cell in the open notebook, and from the notebook to its cells. */
import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';

import type { ICellRecord, ILiveCell } from './documents';

/** The cells of a notebook as its editor has them, saved or not. */
export function liveCells(panel: NotebookPanel): readonly ILiveCell[] {
  return Array.from(panel.content.model?.cells ?? [], cell => ({
    id: cell.id,
    type: cell.type,
    source: cell.sharedModel.getSource()
  }));
}

/** Where the recorded cell `index` is now: by its id, else by its place. -1 where it is gone. */
export function placeNow(
  panel: NotebookPanel,
  index: number,
  recorded: readonly ICellRecord[]
): number {
  const id = recorded.find(cell => cell.index === index)?.id;
  const { widgets } = panel.content;
  const found = widgets.findIndex(cell => cell.model.id === id);
  return found >= 0 || index >= widgets.length ? found : index;
}

/** Brings a cell into view, makes it the active one and lets it be seen. */
export async function goToCell(panel: NotebookPanel, place: number): Promise<void> {
  const cell: Cell | undefined = panel.content.widgets[place];
  if (cell === undefined) {
    return;
  }
  panel.content.activeCellIndex = place;
  panel.content.mode = 'command';
  await panel.content.scrollToItem(place, 'smart');
  panel.content.activate();
  cell.removeClass('jp-Mlgov-here');
  // Read back, so that the animation starts anew where the class was there already.
  cell.node.getBoundingClientRect();
  cell.addClass('jp-Mlgov-here');
}
