/**
 * The plugins of this extension. The sidebar shows what the server knows about the notebook in front of the user;
 * every rule about snapshots, verdicts and gates is decided on the server.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { sidebar } from './sidebar';

const plugins: JupyterFrontEndPlugin<unknown>[] = [sidebar];

export default plugins;
