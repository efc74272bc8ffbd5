/**
 * Hands the kernel the notebook as the user sees it, together with each cell that is recorded.
 *
 * It travels in the metadata of the execution request: so it is there exactly when the cell starts, for "Run All"
 * too, and a kernel without the extension does not notice. Other cells are sent as they always were.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import { forEachKernel } from './kernels';
import { describe, isRecorded } from './notebook';

export const live: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:live-notebook',
  description:
    'The notebook as it stands, unsaved edits included, for the snapshots of the kernel.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_app, notebooks: INotebookTracker) => {
    forEachKernel(notebooks, take);
  }
};

/** Two views of a notebook share a kernel connection: it is taken once. */
const taken = new WeakSet<Kernel.IKernelConnection>();

function take(panel: NotebookPanel, kernel: Kernel.IKernelConnection): void {
  if (taken.has(kernel)) {
    return;
  }
  taken.add(kernel);
  const request = kernel.requestExecute.bind(kernel);
  kernel.requestExecute = (content, disposeOnDone, metadata) =>
    request(content, disposeOnDone, withNotebook(panel, content.code, metadata));
}

function withNotebook(
  { context }: NotebookPanel,
  code: string,
  metadata: JSONObject | undefined
): JSONObject | undefined {
  if (metadata?.cellId === undefined || context.isDisposed || !isRecorded(code)) {
    return metadata;
  }
  try {
    const mlgov = describe(
      context.model.sharedModel,
      context.path,
      PageConfig.getOption('serverRoot')
    );
    return { ...metadata, mlgov: mlgov as JSONObject };
  } catch (error) {
    console.warn('jupyter-mlgov: the notebook is not sent with the cell', error);
    return metadata;
  }
}
