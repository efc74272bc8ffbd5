/** What the monitor of a released model found: its decision, drift column by column, KPIs over time. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { amount } from './format';
import type { IColumnDrift, IKpiOverTime, IMonitored, MonitorDecision } from './lifedocuments';
import { Ago, Badge, type Tone, toneOfAnswer } from './parts';
import { bandPoints } from './spark';

/** Columns that are drawn; the others are folded. */
const DRAWN = 6;
const BARS = 120;
const PLOT = { width: 260, height: 56 };

const TONES: Readonly<Record<MonitorDecision, Tone>> = {
  nothing: 'good',
  watch: 'unsure',
  retrain: 'bad',
  'roll back': 'bad'
};

export function MonitorState(props: {
  monitored: IMonitored;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { monitored, trans } = props;
  const { monitoring, runs } = monitored;
  const words = decisionNames(trans);
  const rows = monitoring.rows.toLocaleString('en-US');
  const found = [
    ...monitoring.quality.map(problem => problem.message),
    ...monitoring.concept.filter(one => one.tell !== 'steady').map(one => one.message)
  ];
  return (
    <div className="jp-Mlgov-monitor" role="group" aria-label={trans.__('Monitor')}>
      <div className="jp-Mlgov-riskTop">
        <Badge tone={TONES[monitoring.decision]}>{words[monitoring.decision]}</Badge>
        <span className="jp-Mlgov-quiet">
          {trans.__('%1 rows, %2 with outcome', rows, monitoring.outcomes.toLocaleString('en-US'))}{' '}
          · <Ago at={monitoring.at} />
        </span>
      </div>
      {!monitored.current && (
        <Badge tone="unsure">
          {trans.__('about version %1, which is no longer there', monitoring.release)}
        </Badge>
      )}
      {[...monitoring.reasons, ...found].map((reason, place) => (
        <p key={place}>{reason}</p>
      ))}
      {monitoring.kpis.map(kpi => (
        <KpiPlot key={kpi.metric} kpi={kpi} trans={trans} />
      ))}
      <Drift columns={[...monitoring.columns, ...monitoring.attributions]} trans={trans} />
      {monitoring.notes.length > 0 && (
        <details>
          <summary className="jp-Mlgov-quiet">{trans.__('What could not be looked at')}</summary>
          {monitoring.notes.map((note, place) => (
            <p key={place}>{note}</p>
          ))}
        </details>
      )}
      {runs.length > 1 && (
        <details>
          <summary className="jp-Mlgov-quiet">
            {trans._n('%1 run before', '%1 runs before', runs.length - 1, runs.length - 1)}
          </summary>
          <ul className="jp-Mlgov-runs">
            {runs.slice(1).map((run, place) => (
              <li key={place}>
                <Badge tone={TONES[run.decision]}>{words[run.decision]}</Badge>{' '}
                <span className="jp-Mlgov-quiet">
                  {trans.__('version %1, %2 rows', run.release, run.rows.toLocaleString('en-US'))} ·{' '}
                  <Ago at={run.at} />
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function decisionNames(trans: TranslationBundle): Readonly<Record<MonitorDecision, string>> {
  return {
    nothing: trans.__('nothing to do'),
    watch: trans.__('watch'),
    retrain: trans.__('retrain'),
    'roll back': trans.__('roll back')
  };
}

function Drift(props: {
  columns: readonly IColumnDrift[];
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const { trans } = props;
  const ordered = [...props.columns].sort((one, other) => share(other) - share(one));
  if (ordered.length === 0) {
    return null;
  }
  const most = Math.max(1.25, ...ordered.map(share));
  const rest = ordered.slice(DRAWN);
  return (
    <div>
      <h4>{trans.__('Drift, as a share of what matters')}</h4>
      <Bars columns={ordered.slice(0, DRAWN)} most={most} trans={trans} />
      {rest.length > 0 && (
        <details>
          <summary className="jp-Mlgov-quiet">{trans.__('%1 more', rest.length)}</summary>
          <Bars columns={rest} most={most} trans={trans} />
        </details>
      )}
    </div>
  );
}

/** The effect beside the one from which on it matters: 1 is drawn as a line. */
function Bars(props: {
  columns: readonly IColumnDrift[];
  most: number;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { most, trans } = props;
  const roles: Readonly<Record<IColumnDrift['role'], string>> = {
    feature: '',
    prediction: trans.__('prediction'),
    missing: trans.__('missing values'),
    attribution: trans.__('explanation')
  };
  const tells: Readonly<Record<IColumnDrift['tell'], string>> = {
    drift: trans.__('drift'),
    steady: trans.__('steady'),
    unknown: trans.__('too few rows to tell')
  };
  return (
    <ul className="jp-Mlgov-bars">
      {props.columns.map(column => (
        <li key={`${column.role} ${column.name}`} title={column.message}>
          <span className="jp-Mlgov-metricName">
            {column.name}
            {roles[column.role] !== '' && column.role !== column.name
              ? ` (${roles[column.role]})`
              : ''}
          </span>
          <svg
            viewBox={`0 0 ${BARS} 10`}
            role="img"
            aria-label={trans.__(
              '%1: %2, %3 of %4',
              column.name,
              tells[column.tell],
              amount(column.effect),
              amount(column.threshold)
            )}
            preserveAspectRatio="none"
            data-tell={column.tell}
          >
            <rect x="0" y="1.5" height="7" width={(BARS * share(column)) / most} />
            <line x1={BARS / most} x2={BARS / most} y1="0" y2="10" />
          </svg>
          <Badge
            tone={column.tell === 'drift' ? 'bad' : column.tell === 'steady' ? 'good' : 'unsure'}
          >
            {column.tell === 'unknown' ? trans.__('not known') : tells[column.tell]}
          </Badge>
        </li>
      ))}
    </ul>
  );
}

/** The effect in thresholds. */
function share(column: IColumnDrift): number {
  const value = column.threshold > 0 ? column.effect / column.threshold : column.effect;
  return Number.isFinite(value) ? Math.max(0, value) : 0;
}

function KpiPlot(props: { kpi: IKpiOverTime; trans: TranslationBundle }): React.JSX.Element {
  const { kpi, trans } = props;
  const { band, line, targetY } = bandPoints(kpi.windows, kpi.target, PLOT.width, PLOT.height);
  return (
    <div>
      <div className="jp-Mlgov-kpi">
        <span className="jp-Mlgov-kpiWhat">
          {kpi.metric} {kpi.op} {amount(kpi.target)}
        </span>
        <span className="jp-Mlgov-kpiValue">
          {trans.__('%1 (%2 to %3)', amount(kpi.value), amount(kpi.low), amount(kpi.high))}
        </span>
        <Badge tone={kpi.sure ? toneOfAnswer(kpi.met) : 'unsure'}>
          {kpi.met === null
            ? trans.__('not measured')
            : kpi.met
              ? kpi.sure
                ? trans.__('met')
                : trans.__('met, not for sure')
              : kpi.sure
                ? trans.__('not met')
                : trans.__('not met, not for sure')}
        </Badge>
      </div>
      {line.length > 1 && (
        <svg
          className="jp-Mlgov-kpiPlot"
          viewBox={`0 0 ${PLOT.width} ${PLOT.height}`}
          role="img"
          aria-label={trans.__(
            '%1 over %2 stretches of time, from %3 to %4; the target is %5',
            kpi.metric,
            line.length,
            amount(kpi.windows[0]?.value),
            amount(kpi.windows[kpi.windows.length - 1]?.value),
            amount(kpi.target)
          )}
        >
          <polygon points={text(band)} />
          <line x1="0" x2={PLOT.width} y1={targetY} y2={targetY} />
          <polyline points={text(line)} />
        </svg>
      )}
    </div>
  );
}

function text(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
}
