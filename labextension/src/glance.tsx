/** The state of the open notebook at a glance: recorded or not, changed since, KPIs, open risks, the last verdict. */
import * as React from 'react';

import { isUnfinished } from './documents';
import type { IViewProps } from './panel';
import { Ago, Badge, toneOf, verdictName } from './parts';

export function Glance(props: IViewProps): React.JSX.Element {
  return (
    <div className="jp-Mlgov-state" aria-live="polite">
      <Facts {...props} />
    </div>
  );
}

function Facts(props: IViewProps): React.JSX.Element {
  const { model, trans, actions } = props;
  const { state } = model;
  if (state.notebook === null) {
    return <Badge tone="quiet">{trans.__('no notebook is open')}</Badge>;
  }
  if (state.project === null) {
    return state.loaded ? (
      <Badge tone="unsure">{trans.__('not known')}</Badge>
    ) : (
      <Badge tone="quiet">{trans.__('looking…')}</Badge>
    );
  }
  const { newest, standing } = state;
  if (state.doing !== null) {
    return <Badge tone="quiet">{state.doing}</Badge>;
  }
  if (newest === null) {
    return <Badge tone="quiet">{trans.__('never snapshotted')}</Badge>;
  }
  const changed = standing?.experiments.filter(cell => cell.state === 'changed') ?? [];
  const current = standing?.experiments.some(cell => cell.state === 'current') ?? false;
  const met = newest.kpis.filter(kpi => kpi.met === true).length;
  const open = newest.risks.filter(
    risk => risk.status === 'open' && risk.check?.passed !== true
  ).length;
  const last = newest.reruns[newest.reruns.length - 1];
  const job = state.jobs[newest.id];
  return (
    <>
      <span className="jp-Mlgov-stateText">
        {newest.experiment} #{newest.number} · <Ago at={newest.created_at} />
      </span>
      {changed.length > 0 ? (
        <button
          type="button"
          className="jp-Mlgov-badgeButton"
          title={trans.__('Show what changed')}
          onClick={actions.showChanges}
        >
          <Badge tone="unsure">
            {trans.__('changed since #%1', changed.map(cell => cell.number).join(', #'))}
          </Badge>
        </button>
      ) : (
        current && <Badge tone="good">{trans.__('current')}</Badge>
      )}
      {newest.kpis.length > 0 && (
        <Badge tone={met === newest.kpis.length ? 'good' : 'bad'}>
          {trans.__('%1 of %2 KPIs met', met, newest.kpis.length)}
        </Badge>
      )}
      {open > 0 && (
        <button
          type="button"
          className="jp-Mlgov-badgeButton"
          title={trans.__('Show the risks')}
          onClick={() => {
            model.select(null);
            model.show('risks');
          }}
        >
          <Badge tone="bad">{trans._n('%1 open risk', '%1 open risks', open, open)}</Badge>
        </button>
      )}
      {job && isUnfinished(job) ? (
        <Badge tone="quiet">{trans.__('rerunning…')}</Badge>
      ) : last !== undefined ? (
        <Badge tone={toneOf(last.verdict)}>
          <span>
            {verdictName(last.verdict, trans)} · <Ago at={last.at} />
          </span>
        </Badge>
      ) : (
        <Badge tone="unsure">{trans.__('not rerun yet')}</Badge>
      )}
    </>
  );
}
