import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:sidebar',
  description: 'Snapshots, verdicts and reports beside the notebook.',
  autoStart: true,
  activate: () => undefined
};

export default [plugin];
