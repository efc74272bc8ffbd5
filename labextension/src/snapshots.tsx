/** The list of snapshots, newest first, and what to do where there are none. */
import * as React from 'react';

import { type ICard, isUnfinished } from './documents';
import { amount, fileName } from './format';
import type { IViewProps } from './panel';
import { Ago, Badge, toneOf, verdictName } from './parts';

const METRICS = 3;

export function SnapshotList(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  if (!state.loaded) {
    return <div className="jp-Mlgov-body" aria-busy="true" />;
  }
  if (state.cards.length === 0) {
    return state.error === null ? <Start {...props} /> : <div className="jp-Mlgov-body" />;
  }
  return (
    <div className="jp-Mlgov-body">
      <ul className="jp-Mlgov-list" aria-label={trans.__('Snapshots, newest first')}>
        {state.cards.map(card => (
          <li key={card.id}>
            <Card {...props} card={card} />
          </li>
        ))}
      </ul>
      {state.more && (
        <button type="button" className="jp-Mlgov-button" onClick={() => void model.loadMore()}>
          {trans.__('Show older ones')}
        </button>
      )}
    </div>
  );
}

function Card(props: IViewProps & { card: ICard }): React.JSX.Element {
  const { card, model, trans } = props;
  const job = model.state.jobs[card.id];
  const metrics = Object.entries(card.metrics);
  const elsewhere =
    model.state.scope === 'project' && card.notebook !== model.state.project?.notebook;
  return (
    <button
      type="button"
      className="jp-Mlgov-card"
      data-snapshot={card.id}
      onClick={() => {
        model.select(card.id);
      }}
    >
      <span className="jp-Mlgov-cardTop">
        <span className="jp-Mlgov-number">#{card.number}</span>
        <span className="jp-Mlgov-name" title={card.experiment}>
          {card.experiment}
        </span>
        <span className="jp-Mlgov-when">
          <Ago at={card.created_at} />
        </span>
      </span>
      {card.message !== '' && <span className="jp-Mlgov-message">{card.message}</span>}
      {elsewhere && (
        <span className="jp-Mlgov-where" title={card.notebook}>
          {fileName(card.notebook)}
        </span>
      )}
      {metrics.length > 0 && (
        <span className="jp-Mlgov-metrics">
          {metrics.slice(0, METRICS).map(([name, value]) => (
            <span key={name} className="jp-Mlgov-metric" title={`${name} = ${value}`}>
              <span className="jp-Mlgov-metricName">{name}</span>
              <span className="jp-Mlgov-metricValue">{amount(value)}</span>
            </span>
          ))}
          {metrics.length > METRICS && (
            <span className="jp-Mlgov-metric jp-Mlgov-quiet">+{metrics.length - METRICS}</span>
          )}
        </span>
      )}
      <span className="jp-Mlgov-badges">
        {card.status === 'error' && <Badge tone="bad">{trans.__('cell failed')}</Badge>}
        {card.kpis_met !== null && (
          <Badge tone={card.kpis_met ? 'good' : 'bad'}>
            {card.kpis_met ? trans.__('KPIs met') : trans.__('KPI not met')}
          </Badge>
        )}
        {job && isUnfinished(job) ? (
          <Badge tone="quiet">{trans.__('rerunning…')}</Badge>
        ) : (
          card.verdict !== null && (
            <Badge tone={toneOf(card.verdict)}>{verdictName(card.verdict, trans)}</Badge>
          )
        )}
      </span>
    </button>
  );
}

function Start(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  if (state.notebook === null && state.scope === 'notebook') {
    return (
      <div className="jp-Mlgov-body jp-Mlgov-start">
        <p>{trans.__('Open a notebook to see its snapshots.')}</p>
      </div>
    );
  }
  return (
    <div className="jp-Mlgov-body jp-Mlgov-start">
      <h3>
        {state.scope === 'notebook'
          ? trans.__('No snapshot of this notebook yet')
          : trans.__('No snapshot in this project yet')}
      </h3>
      <ol>
        <li>
          {trans.__('Load the extension in a cell:')}
          <code>%load_ext jupyter_mlgov</code>
        </li>
        <li>
          {trans.__('Put this line on top of the cell that trains the model, and run it:')}
          <code>%%experiment baseline</code>
        </li>
      </ol>
      <p className="jp-Mlgov-quiet">
        {trans.__(
          'The cell runs as it always does. What its result depended on is recorded, and appears here.'
        )}
      </p>
    </div>
  );
}
