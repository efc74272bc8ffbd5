/** The panel in the left area: a Lumino widget with a React body that is drawn from the model's state alone. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, ReactWidget, refreshIcon, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Detail } from './detail';
import { isUnfinished, type Scope } from './documents';
import { fileName } from './format';
import { shieldIcon } from './icons';
import type { IState, SidebarModel } from './model';
import { Ago, Badge, toneOf, verdictName } from './parts';
import { SnapshotList } from './snapshots';

export interface IActions {
  readonly report: (id: string) => void;
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
      ) : (
        <SnapshotList {...props} />
      )}
    </>
  );
}

function Header(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  const scopes: readonly [Scope, string][] = [
    ['notebook', trans.__('This notebook')],
    ['project', trans.__('Project')]
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
      <div className="jp-Mlgov-state" aria-live="polite">
        <NotebookState state={state} trans={trans} />
      </div>
      {state.selected === null && (
        <div className="jp-Mlgov-scopes" role="group" aria-label={trans.__('Which snapshots')}>
          {scopes.map(([scope, label]) => (
            <button
              key={scope}
              type="button"
              aria-pressed={state.scope === scope}
              onClick={() => {
                model.show(scope);
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

function NotebookState(props: { state: IState; trans: TranslationBundle }): React.JSX.Element {
  const { state, trans } = props;
  if (state.notebook === null) {
    return <Badge tone="quiet">{trans.__('no notebook is open')}</Badge>;
  }
  if (!state.loaded) {
    return <Badge tone="quiet">{trans.__('looking…')}</Badge>;
  }
  const { newest } = state;
  if (newest === null) {
    return <Badge tone="quiet">{trans.__('never snapshotted')}</Badge>;
  }
  const job = state.jobs[newest.id];
  return (
    <>
      <span className="jp-Mlgov-stateText">
        {newest.experiment} #{newest.number} · <Ago at={newest.created_at} />
      </span>
      {job && isUnfinished(job) ? (
        <Badge tone="quiet">{trans.__('rerunning…')}</Badge>
      ) : newest.verdict !== null ? (
        <Badge tone={toneOf(newest.verdict)}>{verdictName(newest.verdict, trans)}</Badge>
      ) : (
        <Badge tone="unsure">{trans.__('not rerun yet')}</Badge>
      )}
    </>
  );
}
