/** The plugin: panel, commands, settings, and what makes the panel refresh. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, type IFrame, type MainAreaWidget } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { shieldIcon } from './icons';
import { SidebarModel } from './model';
import { MlgovPanel } from './panel';
import { reportTab } from './report';
import { Requests } from './requests';

export const Commands = {
  open: 'mlgov:open',
  rerun: 'mlgov:rerun',
  report: 'mlgov:report'
} as const;

export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:sidebar',
  description: 'Snapshots, rerun verdicts and reports beside the notebook.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ILayoutRestorer, ISettingRegistry, ITranslator],
  activate
};

function activate(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null,
  settings: ISettingRegistry | null,
  translator: ITranslator | null
): void {
  const trans = (translator ?? nullTranslator).load('jupyter_mlgov');
  const model = new SidebarModel(new Requests(app.serviceManager.serverSettings));
  const panel = new MlgovPanel(model, trans, {
    report: id => void app.commands.execute(Commands.report, { id })
  });
  panel.id = 'jp-mlgov-panel';
  panel.title.icon = shieldIcon;
  panel.title.caption = trans.__('ML governance');
  panel.node.setAttribute('role', 'region');
  panel.node.setAttribute('aria-label', trans.__('ML governance'));
  app.shell.add(panel, 'left', { rank: 650, type: 'ML governance' });
  restorer?.add(panel, panel.id);

  const current = (): string | null => {
    const context = notebooks.currentWidget?.context;
    return context ? app.serviceManager.contents.localPath(context.path) : null;
  };
  const follow = (): void => {
    model.open(current());
  };
  let watched = notebooks.currentWidget?.context;
  notebooks.currentChanged.connect(() => {
    watched?.pathChanged.disconnect(follow);
    watched = notebooks.currentWidget?.context;
    watched?.pathChanged.connect(follow);
    follow();
  });

  let refreshAfterRun = true;
  const executed: Parameters<typeof NotebookActions.executed.connect>[0] = (_, { notebook }) => {
    if (refreshAfterRun && notebook === notebooks.currentWidget?.content) {
      model.refreshSoon();
    }
  };
  NotebookActions.executed.connect(executed);
  panel.disposed.connect(() => {
    NotebookActions.executed.disconnect(executed);
    model.dispose();
  });

  const reports = new Map<string, MainAreaWidget<IFrame>>();
  const chosen = (args: Readonly<Record<string, unknown>>): string | undefined =>
    typeof args.id === 'string' ? args.id : (model.state.selected ?? model.state.newest?.id);
  const hasChoice = (): boolean => chosen({}) !== undefined;

  app.commands.addCommand(Commands.open, {
    label: trans.__('Show ML Governance'),
    caption: trans.__('Snapshots, verdicts and reports of the open notebook'),
    icon: shieldIcon,
    execute: () => {
      app.shell.activateById(panel.id);
    }
  });
  app.commands.addCommand(Commands.rerun, {
    label: trans.__('Rerun Snapshot'),
    caption: trans.__('Execute the snapshot again and say whether it gives the same result'),
    isEnabled: hasChoice,
    execute: async args => {
      const id = chosen(args);
      if (id !== undefined) {
        app.shell.activateById(panel.id);
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
      if (id === undefined) {
        return;
      }
      const { detail, cards, newest } = model.state;
      const known = [detail, newest, ...cards].find(card => card?.id === id);
      const label = known
        ? `${known.experiment} #${known.number ?? id.slice(0, 8)}`
        : id.slice(0, 8);
      reports.get(id)?.dispose();
      const tab = reportTab(
        { id, label, url: model.reportUrl(id), downloadUrl: model.reportUrl(id, true) },
        trans
      );
      reports.set(id, tab);
      tab.disposed.connect(() => {
        if (reports.get(id) === tab) {
          reports.delete(id);
        }
      });
      app.shell.add(tab, 'main', { mode: 'tab-after' });
      app.shell.activateById(tab.id);
    }
  });
  model.stateChanged.connect(() => {
    app.commands.notifyCommandChanged(Commands.rerun);
    app.commands.notifyCommandChanged(Commands.report);
  });
  for (const command of Object.values(Commands)) {
    palette?.addItem({ command, category: trans.__('ML Governance') });
  }

  const start = async (): Promise<void> => {
    await app.restored;
    const loaded = await settings?.load(sidebar.id).catch(() => undefined);
    const take = (): void => {
      refreshAfterRun = loaded?.get('refreshAfterRun').composite !== false;
    };
    take();
    loaded?.changed.connect(take);
    if (loaded?.get('scope').composite === 'project') {
      model.show('project');
    }
    follow();
  };
  void start();
}
