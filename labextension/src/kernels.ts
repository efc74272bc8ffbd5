/** The kernels of the notebooks that are open, as they come. */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

/** Calls `take` with every notebook and its kernel, those of today and those to come; a restart brings no other kernel. */
export function forEachKernel(
  notebooks: INotebookTracker,
  take: (panel: NotebookPanel, kernel: Kernel.IKernelConnection) => void
): void {
  const follow = (panel: NotebookPanel): void => {
    const { sessionContext } = panel;
    const came = (kernel: Kernel.IKernelConnection | null | undefined): void => {
      if (kernel) {
        take(panel, kernel);
      }
    };
    came(sessionContext.session?.kernel);
    sessionContext.kernelChanged.connect((_, { newValue }) => {
      came(newValue);
    });
  };
  notebooks.forEach(follow);
  notebooks.widgetAdded.connect((_, panel) => {
    follow(panel);
  });
}
