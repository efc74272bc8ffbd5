/** The plugin: panel, commands, settings, marks in the notebook, and what makes all that refresh. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { AnnotationCards } from './cards';
import { ABOUT_A_SNAPSHOT, Commands, IN_PALETTE } from './commands';
import { compareTab } from './compare';
import { askForDecision } from './decisionform';
import { shieldIcon } from './icons';
import { CellMarks } from './marks';
import { SidebarModel } from './model';
import { editRisk } from './notebookrisks';
import { MlgovPanel } from './panel';
import { reportTab } from './report';
import { Requests } from './requests';
import { askForSnapshot, takeSnapshot } from './snapshotnow';
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
      model.lookSoon();
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

  // -- commands ---------------------------------------------------------------------------------------

  const chosen = (args: Readonly<Record<string, unknown>>): string | undefined =>
    typeof args.id === 'string' ? args.id : (model.state.selected ?? model.state.newest?.id);
  const nameOf = (id: string): string => {
    const known = model.known(id);
    return known ? `${known.experiment} #${known.number ?? id.slice(0, 8)}` : id.slice(0, 8);
  };
  /** Of one experiment, its name stands once. */
  const pairOf = (a: string, b: string): string => {
    const same = model.known(a)?.experiment === model.known(b)?.experiment;
    const number = model.known(b)?.number;
    return `${nameOf(a)} ↔ ${same && number ? `#${number}` : nameOf(b)}`;
  };
  const tabs = new Map<string, MainAreaWidget>();
  const openTab = (tab: MainAreaWidget): void => {
    const { id } = tab;
    tabs.get(id)?.dispose();
    tabs.set(id, tab);
    tab.disposed.connect(() => {
      if (tabs.get(id) === tab) {
        tabs.delete(id);
      }
    });
    app.shell.add(tab, 'main', { mode: 'tab-after' });
    if (!tab.isAttached) {
      // Notebook 7 has room for one document: others stand beside it.
      app.shell.add(tab, 'right');
    }
    app.shell.activateById(id);
  };

  app.commands.addCommand(Commands.open, {
    label: trans.__('Show ML Governance'),
    caption: trans.__('Snapshots, verdicts and reports of the open notebook'),
    icon: shieldIcon,
    execute: openPanel
  });
  const views = [
    [Commands.project, trans.__('Show the Snapshots of the Project'), 'project'],
    [Commands.models, trans.__('Show the Model Inventory'), 'models'],
    [Commands.risks, trans.__('Show the Risk Register'), 'risks'],
    [Commands.life, trans.__('Show Releases and Monitors'), 'life']
  ] as const;
  for (const [command, label, view] of views) {
    app.commands.addCommand(command, {
      label,
      icon: shieldIcon,
      execute: () => {
        openPanel();
        model.select(null);
        model.show(view);
      }
    });
  }
  app.commands.addCommand(Commands.changes, {
    label: trans.__('Show What Changed Since the Snapshot'),
    caption: trans.__('The cells that are not what the newest snapshot recorded'),
    isEnabled: () =>
      model.state.standing?.experiments.some(cell => cell.state === 'changed') === true,
    execute: async () => {
      const open = watched;
      const cell = open === null ? null : marks.unfold(open);
      if (open !== null && cell !== null) {
        await goToCell(open, open.content.widgets.indexOf(cell));
      }
    }
  });
  app.commands.addCommand(Commands.snapshot, {
    label: trans.__('Snapshot Now'),
    caption: trans.__('Record the notebook as it stands, without running a cell'),
    icon: shieldIcon,
    isEnabled: () => notebooks.currentWidget !== null && model.state.doing === null,
    execute: async () => {
      const open = notebooks.currentWidget;
      if (open === null) {
        return;
      }
      openPanel();
      const wish = await askForSnapshot(open, model.state.project?.experiments ?? [], trans);
      if (wish === null || open.isDisposed) {
        return;
      }
      const path = app.serviceManager.contents.localPath(open.context.path);
      const waits = open.sessionContext.session?.kernel?.status === 'busy';
      await model.busy(
        waits ? trans.__('waiting for the running cell…') : trans.__('taking a snapshot…'),
        async () => {
          const { lost } = await takeSnapshot(open, path, wish, requests);
          await model.refresh();
          if (lost.length > 0) {
            model.tell(trans.__('not recorded: %1', lost.join('; ')));
          }
        }
      );
    }
  });
  const decide = async (
    id: string | undefined,
    decision: 'approved' | 'rejected'
  ): Promise<void> => {
    if (id === undefined) {
      return;
    }
    const path = model.state.notebook ?? '';
    openPanel();
    if (model.state.selected !== id) {
      model.select(id);
    }
    await model.busy(trans.__('signing…'), async () => {
      const [snapshot, signer] = await Promise.all([
        requests.snapshot(path, id),
        requests.signer(path)
      ]);
      const wanted = await askForDecision(snapshot, decision, signer, trans);
      if (wanted !== null) {
        await requests.decide(path, id, wanted);
        await model.refresh();
      }
    });
  };
  app.commands.addCommand(Commands.approve, {
    label: trans.__('Approve Snapshot…'),
    caption: trans.__('Sign that the snapshot may be used, with a reason'),
    isEnabled: args => chosen(args) !== undefined,
    execute: args => decide(chosen(args), 'approved')
  });
  app.commands.addCommand(Commands.reject, {
    label: trans.__('Reject Snapshot…'),
    caption: trans.__(
      'Sign that the snapshot may not be used, with a reason: that closes its gate'
    ),
    isEnabled: args => chosen(args) !== undefined,
    execute: args => decide(chosen(args), 'rejected')
  });
  app.commands.addCommand(Commands.rerun, {
    label: trans.__('Rerun Snapshot'),
    caption: trans.__('Execute the snapshot again and say whether it gives the same result'),
    isEnabled: args => chosen(args) !== undefined,
    execute: async args => {
      const id = chosen(args);
      if (id !== undefined) {
        openPanel();
        model.select(id);
        await model.rerun(id);
      }
    }
  });
  app.commands.addCommand(Commands.report, {
    label: trans.__('Open Governance Report'),
    caption: trans.__('The report of the snapshot, in a tab'),
    isEnabled: args => chosen(args) !== undefined,
    execute: args => {
      const id = chosen(args);
      if (id !== undefined) {
        openTab(
          reportTab(
            {
              id,
              label: nameOf(id),
              url: model.reportUrl(id),
              downloadUrl: model.reportUrl(id, true)
            },
            trans
          )
        );
      }
    }
  });
  /** The two that were clicked on or chosen, the older one first; else the two newest of the notebook. */
  const pair = (args: Readonly<Record<string, unknown>>): readonly string[] => {
    const { chosen: marked, recent } = model.state;
    if (typeof args.a === 'string' && typeof args.b === 'string') {
      return [args.a, args.b];
    }
    const cards = marked.length === 2 ? [...marked] : recent.slice(0, 2);
    return cards
      .sort((one, other) => (one.created_at < other.created_at ? -1 : 1))
      .map(card => card.id);
  };
  app.commands.addCommand(Commands.compare, {
    label: trans.__('Compare Snapshots'),
    caption: trans.__('The two chosen snapshots, else the two newest, side by side'),
    isEnabled: args => pair(args).length === 2,
    execute: args => {
      const [a, b] = pair(args);
      const path = model.state.notebook ?? '';
      if (a !== undefined && b !== undefined) {
        openTab(
          compareTab(`mlgov-compare-${a}-${b}`, pairOf(a, b), {
            load: () => requests.sideBySide(path, a, b),
            outputs: (id, cell) => requests.outputs(path, id, cell),
            rendermime,
            trans
          })
        );
      }
    }
  });
  app.commands.addCommand(Commands.addRisk, {
    label: trans.__('Add a Risk…'),
    caption: trans.__('Write a %%risk cell into the notebook, with a form'),
    isEnabled: () => notebooks.currentWidget !== null,
    execute: async () => {
      if (notebooks.currentWidget !== null) {
        await editRisk(notebooks.currentWidget, undefined, trans);
      }
    }
  });
  app.commands.addCommand(Commands.openNotebook, {
    label: trans.__('Open with ML Governance'),
    caption: trans.__('Open the notebook and its snapshots'),
    icon: shieldIcon,
    execute: async () => {
      await app.commands.execute('filebrowser:open');
      openPanel();
    }
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
