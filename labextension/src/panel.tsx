/** The panel in the left area: a Lumino widget with a React body that is drawn from the model's state alone. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, ReactWidget, refreshIcon, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Detail } from './detail';
import type { IRegisteredRisk, ISnapshot } from './documents';
import { fileName } from './format';
import { Glance } from './glance';
import { shieldIcon } from './icons';
import { Life } from './life';
import type { SidebarModel } from './model';
import { Models } from './models';
import { Register } from './register';
import { SnapshotList } from './snapshots';
import type { View } from './state';

/** What the panel asks of the rest of JupyterLab. */
export interface IActions {
  readonly report: (id: string) => void;
  readonly snapshot: () => void;
  readonly decide: (id: string, decision: 'approved' | 'rejected') => void;
  readonly compare: (a: string, b: string) => void;
  /** Shows what was changed since the snapshot of an experiment cell. */
  readonly showChanges: () => void;
  /** Goes to the cell that a finding or warning names; null where the notebook is not open. */
  readonly goTo: ((snapshot: ISnapshot, cell: number) => void) | null;
  readonly canGoTo: (snapshot: ISnapshot) => boolean;
  /** Opens the form of a risk; without one, of a new risk. Null where no notebook is open. */
  readonly editRisk: (risk?: IRegisteredRisk) => void;
}

export class MlgovPanel extends ReactWidget {
  constructor(
    private readonly model: SidebarModel,
    private readonly trans: TranslationBundle,
    private readonly actions: IActions
  ) {
    super();
    this.addClass('jp-Mlgov-panel');
  }

  protected render(): React.JSX.Element {
    return (
      <UseSignal signal={this.model.stateChanged}>
        {() => <Body model={this.model} trans={this.trans} actions={this.actions} />}
      </UseSignal>
    );
  }
}

export interface IViewProps {
  readonly model: SidebarModel;
  readonly trans: TranslationBundle;
  readonly actions: IActions;
}

function Body(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  return (
    <>
      <Header {...props} />
      {state.error !== null && (
        <div className="jp-Mlgov-error" role="alert">
          <span>{state.error}</span>
          <button
            type="button"
            className="jp-Mlgov-iconButton"
            title={trans.__('Dismiss')}
            aria-label={trans.__('Dismiss')}
            onClick={() => {
              model.dismissError();
            }}
          >
            <closeIcon.react tag="span" width="14px" height="14px" />
          </button>
        </div>
      )}
      {state.selected !== null ? (
        <Detail {...props} key={state.selected} />
      ) : state.view === 'risks' ? (
        <Register {...props} />
      ) : state.view === 'models' ? (
        <Models {...props} />
      ) : state.view === 'life' ? (
        <Life {...props} />
      ) : (
        <SnapshotList {...props} key={state.view} />
      )}
    </>
  );
}

function Header(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  const views: readonly [View, string][] = [
    ['notebook', trans.__('Notebook')],
    ['project', trans.__('Project')],
    ['models', trans.__('Models')],
    ['risks', trans.__('Risks')],
    ['life', trans.__('Life')]
  ];
  return (
    <header className="jp-Mlgov-header">
      <div className="jp-Mlgov-title">
        <shieldIcon.react tag="span" width="20px" height="20px" className="jp-Mlgov-logo" />
        <h2 title={state.notebook ?? undefined}>
          {state.notebook !== null ? fileName(state.notebook) : trans.__('ML governance')}
        </h2>
        <button
          type="button"
          className="jp-Mlgov-iconButton"
          title={trans.__('Refresh')}
          aria-label={trans.__('Refresh')}
          onClick={() => void model.refresh()}
        >
          <refreshIcon.react tag="span" width="16px" height="16px" />
        </button>
      </div>
      <Glance {...props} />
      {state.notebook !== null && state.selected === null && (
        <button
          type="button"
          className="jp-Mlgov-button"
          disabled={state.doing !== null}
          title={trans.__('Record the notebook as it stands, without running a cell')}
          onClick={props.actions.snapshot}
        >
          {trans.__('Snapshot now')}
        </button>
      )}
      {state.selected === null && (
        <div className="jp-Mlgov-views" role="group" aria-label={trans.__('What is shown')}>
          {views.map(([view, label]) => (
            <button
              key={view}
              type="button"
              aria-pressed={state.view === view}
              onClick={() => {
                model.show(view);
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </header>
  );
}
