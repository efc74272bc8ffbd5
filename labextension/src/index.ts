/**
 * The plugins of this extension. The sidebar shows what the server knows about the notebook in front of the user;
 * every rule about snapshots, verdicts and gates is decided on the server. Another tells the kernel what the
 * notebook is at the moment when a cell is recorded; the third writes what the kernel's form states into the notebook.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { fromKernel } from './fromkernel';
import { live } from './live';
import { sidebar } from './sidebar';

const plugins: JupyterFrontEndPlugin<unknown>[] = [sidebar, live, fromKernel];

export default plugins;
