/** The snapshots as a timeline, newest first: of the notebook with its main metric, or of the project with a search. */
import * as React from 'react';

import { type ICard, isUnfinished, type Scalar } from './documents';
import { amount, fileName } from './format';
import type { IViewProps } from './panel';
import { Ago, Badge, toneOf, verdictName } from './parts';
import { Sparkline } from './spark';
import { Start } from './start';
import { VirtualList } from './virtual';

const METRICS = 3;
/** In pixels, as in base.css. */
const ROW = 88;

export function SnapshotList(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  const [active, setActive] = React.useState(0);
  const need = React.useCallback(
    (first: number, last: number) => {
      model.need(first, last);
    },
    [model]
  );
  if (!state.loaded) {
    return <div className="jp-Mlgov-body" aria-busy="true" />;
  }
  const searching = state.view === 'project' && state.query !== '';
  if (state.total === 0 && !searching) {
    return state.error === null ? <Start {...props} /> : <div className="jp-Mlgov-body" />;
  }
  return (
    <>
      {state.view === 'project' ? <Search {...props} /> : <MainMetric {...props} />}
      {state.total === 0 ? (
        <p className="jp-Mlgov-body jp-Mlgov-quiet" role="status">
          {trans.__('No snapshot matches the search.')}
        </p>
      ) : (
        <VirtualList
          label={trans.__('Snapshots, newest first')}
          length={state.total}
          rowHeight={ROW}
          active={Math.min(active, state.total - 1)}
          activate={setActive}
          need={need}
          row={(index, stop) => {
            const card = state.rows.get(index);
            return card ? (
              <Card {...props} card={card} active={stop} />
            ) : (
              <div className="jp-Mlgov-card" aria-busy="true" />
            );
          }}
        />
      )}
      <Chosen {...props} />
    </>
  );
}

function Search(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  const box = React.useRef<HTMLInputElement>(null);
  const metric = Object.keys(state.recent[0]?.metrics ?? {})[0] ?? 'auc';
  const ways: readonly (readonly [string, string])[] = [
    [`${/\s/.test(metric) ? `"${metric}"` : metric}>=0.8`, trans.__('a bound on a metric')],
    ['author:', trans.__('who recorded it')],
    ['tag:', trans.__("a tag of the experiment's cell")],
    ['experiment:', trans.__('its experiment')],
    ['notebook:', trans.__('its notebook')],
    ['message:', trans.__('its message')],
    ['verdict:never', trans.__('its newest rerun: reproduced, diverged, …, or never')],
    ['kpis:missed', trans.__('its KPIs: met, missed or unknown')],
    ['status:error', trans.__('whether the cell failed')]
  ];
  return (
    <>
      <div className="jp-Mlgov-search">
        <input
          ref={box}
          type="search"
          value={state.query}
          placeholder={trans.__('Search, e.g. auc>=0.8 author:anna')}
          aria-label={trans.__('Search the snapshots')}
          onChange={event => {
            model.search(event.target.value);
          }}
        />
        <span className="jp-Mlgov-quiet" role="status">
          {trans._n(
            '%1 snapshot',
            '%1 snapshots',
            state.total,
            state.total.toLocaleString('en-US')
          )}
        </span>
      </div>
      <details className="jp-Mlgov-ways">
        <summary className="jp-Mlgov-quiet">{trans.__('How to search')}</summary>
        <ul>
          {ways.map(([words, meaning]) => (
            <li key={words}>
              <button
                type="button"
                className="jp-Mlgov-link"
                onClick={() => {
                  model.search(`${state.query} ${words}`.trim());
                  box.current?.focus();
                }}
              >
                <code>{words}</code>
              </button>{' '}
              <span className="jp-Mlgov-quiet">{meaning}</span>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

/** The metric that the first KPI is about, else the first one, over the snapshots of the newest experiment. */
function MainMetric(props: IViewProps): React.JSX.Element | null {
  const { model, trans } = props;
  const { newest, recent } = model.state;
  const names = Object.keys(newest?.metrics ?? {});
  const kpi = newest?.kpis.find(one => names.includes(one.metric));
  const name = kpi?.metric ?? names[0];
  if (newest === null || name === undefined) {
    return null;
  }
  const values = recent
    .filter(card => card.experiment === newest.experiment)
    .map(card => numberOf(card.metrics[name]))
    .reverse();
  const known = values.filter(value => value !== null);
  if (known.length < 2) {
    return null;
  }
  const change = (known[known.length - 1] ?? 0) - (known[known.length - 2] ?? 0);
  return (
    <div className="jp-Mlgov-main">
      <span className="jp-Mlgov-metricName" title={name}>
        {name}
      </span>
      <Sparkline
        values={values}
        target={kpi?.target ?? null}
        label={trans.__(
          '%1 over %2 snapshots, from %3 to %4',
          name,
          known.length,
          amount(known[0]),
          amount(known[known.length - 1])
        )}
      />
      <span className="jp-Mlgov-metricValue">{amount(known[known.length - 1])}</span>
      <span className="jp-Mlgov-quiet" title={trans.__('Since the snapshot before')}>
        {change > 0 ? '+' : ''}
        {amount(change)}
      </span>
    </div>
  );
}

function numberOf(value: Scalar | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function Chosen(props: IViewProps): React.JSX.Element | null {
  const { model, trans, actions } = props;
  const { chosen } = model.state;
  const [one, other] = [...chosen].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  if (one === undefined) {
    return null;
  }
  return (
    <div className="jp-Mlgov-chosen" role="group" aria-label={trans.__('Comparison')}>
      {other === undefined ? (
        <span className="jp-Mlgov-quiet" role="status">
          {trans.__('Choose one more snapshot to compare with %1.', nameOf(one))}
        </span>
      ) : (
        <button
          type="button"
          className="jp-Mlgov-button jp-Mlgov-primary"
          onClick={() => {
            actions.compare(one.id, other.id);
          }}
        >
          {trans.__('Compare %1 with %2', nameOf(one), nameOf(other))}
        </button>
      )}
      <button
        type="button"
        className="jp-Mlgov-link"
        onClick={() => {
          model.forgetChosen();
        }}
      >
        {trans.__('Clear')}
      </button>
    </div>
  );
}

function nameOf(card: ICard): string {
  return `${card.experiment} #${card.number ?? card.id.slice(0, 8)}`;
}

function Card(props: IViewProps & { card: ICard; active: boolean }): React.JSX.Element {
  const { card, model, trans } = props;
  const job = model.state.jobs[card.id];
  const metrics = Object.entries(card.metrics);
  const elsewhere =
    model.state.view === 'project' && card.notebook !== model.state.project?.notebook;
  const chosen = model.state.chosen.some(one => one.id === card.id);
  const aside = [
    card.message,
    elsewhere ? fileName(card.notebook) : '',
    card.author,
    ...card.tags.map(tag => `#${tag}`)
  ].filter(text => text !== '');
  return (
    <div className={`jp-Mlgov-card${chosen ? ' jp-mod-chosen' : ''}`}>
      <input
        type="checkbox"
        checked={chosen}
        tabIndex={props.active ? 0 : -1}
        aria-label={trans.__('Compare %1', nameOf(card))}
        title={trans.__('Choose two to compare')}
        onChange={() => {
          model.choose(card);
        }}
      />
      <button
        type="button"
        data-row
        data-snapshot={card.id}
        tabIndex={props.active ? 0 : -1}
        className="jp-Mlgov-cardBody"
        onClick={event => {
          if (event.ctrlKey || event.metaKey) {
            model.choose(card);
          } else {
            model.select(card.id);
          }
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
        <span className="jp-Mlgov-aside" title={aside.join(' · ')}>
          {aside.join(' · ')}
        </span>
        <span className="jp-Mlgov-facts">
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
      </button>
    </div>
  );
}
