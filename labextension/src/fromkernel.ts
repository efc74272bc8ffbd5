/**
 * A risk that the kernel's form (`mlgov.risk_form()`) states is written into the notebook that the kernel belongs to, where
 * the sidebar's own form would write it. Nothing is run.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { KernelMessage } from '@jupyterlab/services';

import { forEachKernel } from './kernels';
import { writeInto } from './notebookrisks';
import { isRiskId, readRisk } from './riskcell';
import { goToCell } from './where';

const TARGET = 'jupyter_mlgov.risk';
const LONGEST = 100_000;

export const fromKernel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:risks-from-the-kernel',
  description: 'Writes the risks that are stated in a form of the kernel into the notebook.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_app, notebooks: INotebookTracker) => {
    forEachKernel(notebooks, (_, kernel) => {
      kernel.registerCommTarget(TARGET, (comm, message) => {
        // A notebook may be open in several panels of one kernel, and that which came last be closed.
        const panel = notebooks.find(
          one => !one.isDisposed && one.sessionContext.session?.kernel?.id === kernel.id
        );
        comm.send({ cell: panel === undefined ? null : take(panel, message) });
      });
    });
  }
};

/** The place of the cell that states the risk now; null where the message states none. */
function take(panel: NotebookPanel, message: KernelMessage.ICommOpenMsg): number | null {
  const { id, yaml } = message.content.data;
  if (typeof id !== 'string' || typeof yaml !== 'string' || yaml.length > LONGEST) {
    return null;
  }
  if (!isRiskId(id) || readRisk(yaml) === null) {
    return null;
  }
  const place = writeInto(panel, id, yaml);
  void goToCell(panel, place);
  return place;
}
