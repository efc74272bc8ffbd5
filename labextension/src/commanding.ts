/** What the commands do. Each says by itself when it makes sense: without a notebook or a snapshot it is off. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';

import { Commands } from './commands';
import { compareTab } from './compare';
import { askForDecision } from './decisionform';
import { shieldIcon } from './icons';
import type { CellMarks } from './marks';
import type { SidebarModel } from './model';
import { editRisk } from './notebookrisks';
import { reportTab } from './report';
import type { Requests } from './requests';
import { askForSnapshot, takeSnapshot } from './snapshotnow';
import { goToCell } from './where';

export interface ISurroundings {
  readonly app: JupyterFrontEnd;
  readonly notebooks: INotebookTracker;
  readonly rendermime: IRenderMimeRegistry;
  readonly model: SidebarModel;
  readonly requests: Requests;
  readonly marks: CellMarks;
  readonly trans: TranslationBundle;
  readonly openPanel: () => void;
  /** The notebook that the panel is about. */
  readonly current: () => NotebookPanel | null;
}

export function addCommands(surroundings: ISurroundings): void {
  const { app, notebooks, rendermime, model, requests, marks, trans, openPanel, current } =
    surroundings;
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
      const open = current();
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
}
