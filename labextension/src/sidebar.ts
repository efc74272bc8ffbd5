/** The plugin: panel, commands, settings, marks in the notebook, and what makes all that refresh. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { AnnotationCards } from './cards';
import { addCommands } from './commanding';
import { ABOUT_A_SNAPSHOT, Commands, IN_PALETTE } from './commands';
import { shieldIcon } from './icons';
import { CellMarks } from './marks';
import { SidebarModel } from './model';
import { editRisk } from './notebookrisks';
import { MlgovPanel } from './panel';
import { Requests } from './requests';
import { statusItem } from './statusitem';
import { goToCell, liveCells, placeNow } from './where';

export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:sidebar',
  description: 'Snapshots, rerun verdicts, risks and reports beside the notebook.',
  autoStart: true,
  requires: [INotebookTracker, IRenderMimeRegistry],
  optional: [
    ICommandPalette,
    ILayoutRestorer,
    ISettingRegistry,
    ITranslator,
    IStatusBar,
    ILauncher
  ],
  activate
};

function activate(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  rendermime: IRenderMimeRegistry,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null,
  settings: ISettingRegistry | null,
  translator: ITranslator | null,
  statusBar: IStatusBar | null,
  launcher: ILauncher | null
): void {
  const trans = (translator ?? nullTranslator).load('jupyter_mlgov');
  const requests = new Requests(app.serviceManager.serverSettings);
  const model = new SidebarModel(requests);
  const openPanel = (): void => {
    app.shell.activateById(panel.id);
  };
  const marks = new CellMarks(trans, snapshot => {
    openPanel();
    model.select(snapshot);
  });
  const cards = new AnnotationCards(trans);
  const panel = new MlgovPanel(model, trans, {
    report: id => void app.commands.execute(Commands.report, { id }),
    snapshot: () => void app.commands.execute(Commands.snapshot),
    decide: (id, decision) =>
      void app.commands.execute(decision === 'approved' ? Commands.approve : Commands.reject, {
        id
      }),
    compare: (a, b) => void app.commands.execute(Commands.compare, { a, b }),
    showChanges: () => void app.commands.execute(Commands.changes),
    canGoTo: snapshot => snapshot.notebook.path === model.state.project?.notebook,
    goTo: (snapshot, cell) => {
      const open = notebooks.currentWidget;
      if (open !== null) {
        void goToCell(open, placeNow(open, cell, snapshot.notebook.cells));
      }
    },
    editRisk: row => {
      const open = notebooks.currentWidget;
      if (open !== null) {
        void editRisk(open, row?.risk, trans);
      }
    }
  });
  panel.id = 'jp-mlgov-panel';
  panel.title.icon = shieldIcon;
  panel.title.caption = trans.__('ML governance');
  panel.node.setAttribute('role', 'region');
  panel.node.setAttribute('aria-label', trans.__('ML governance'));
  app.shell.add(panel, 'left', { rank: 650, type: 'ML governance' });
  restorer?.add(panel, panel.id);

  // -- the notebook in front ------------------------------------------------------------------------

  let watched: NotebookPanel | null = null;
  const follow = (): void => {
    const open = watched;
    model.open(
      open === null ? null : app.serviceManager.contents.localPath(open.context.path),
      open === null ? null : () => liveCells(open)
    );
  };
  let refreshAfterRun = true;
  let showCards = true;
  const draw = (): void => {
    if (watched !== null && !watched.isDisposed) {
      cards.show(watched, showCards);
    }
  };
  const edited = (): void => {
    model.lookSoon();
    draw();
  };
  /** Somebody else may have run a cell: whoever shares the notebook, or a console of its kernel. */
  const idled = (_: unknown, status: string): void => {
    if (status === 'idle' && refreshAfterRun) {
      model.noticeRun();
    }
  };
  const watch = (): void => {
    if (watched !== null && !watched.isDisposed) {
      watched.sessionContext.statusChanged.disconnect(idled);
      watched.context.pathChanged.disconnect(follow);
      watched.content.modelContentChanged.disconnect(edited);
    }
    watched = notebooks.currentWidget;
    watched?.context.pathChanged.connect(follow);
    watched?.content.modelContentChanged.connect(edited);
    watched?.sessionContext.statusChanged.connect(idled);
    void watched?.revealed.then(edited);
    follow();
  };

  let showMarks = true;
  const executed: Parameters<typeof NotebookActions.executed.connect>[0] = (_, { notebook }) => {
    if (refreshAfterRun && notebook === watched?.content) {
      model.refreshSoon();
    }
  };
  NotebookActions.executed.connect(executed);
  panel.disposed.connect(() => {
    NotebookActions.executed.disconnect(executed);
    model.dispose();
  });
  model.stateChanged.connect(() => {
    if (watched !== null && !watched.isDisposed) {
      marks.show(watched, showMarks ? model.state.standing : null);
    }
    for (const command of ABOUT_A_SNAPSHOT) {
      app.commands.notifyCommandChanged(command);
    }
  });

  // -- around the panel -------------------------------------------------------------------------------

  addCommands({
    app,
    notebooks,
    rendermime,
    model,
    requests,
    marks,
    trans,
    openPanel,
    current: () => watched
  });
  for (const command of IN_PALETTE) {
    palette?.addItem({ command, category: trans.__('ML Governance') });
  }
  launcher?.add({ command: Commands.project, category: trans.__('ML Governance'), rank: 1 });
  statusBar?.registerStatusItem('jupyter-mlgov:status', {
    item: statusItem(model, trans, openPanel),
    align: 'left',
    rank: 900,
    isActive: () => notebooks.currentWidget !== null,
    activeStateChanged: model.stateChanged
  });

  // -- start ------------------------------------------------------------------------------------------

  const start = async (): Promise<void> => {
    await app.restored;
    const loaded = await settings?.load(sidebar.id).catch(() => undefined);
    const take = (): void => {
      refreshAfterRun = loaded?.get('refreshAfterRun').composite !== false;
      showCards = loaded?.get('showCards').composite !== false;
      draw();
      showMarks = loaded?.get('showMarks').composite !== false;
      model.lookSoon();
    };
    take();
    loaded?.changed.connect(take);
    if (loaded?.get('scope').composite === 'project') {
      model.show('project');
    }
    notebooks.currentChanged.connect(watch);
    watch();
  };
  void start();
}
