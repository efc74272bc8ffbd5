/** One snapshot, whole. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { caretLeftIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  type IDecision,
  type IGate,
  type IInput,
  type IKpi,
  type IRisk,
  type ISnapshot,
  isUnfinished,
  type Scalar,
  SEVERITIES
} from './documents';
import { amount, bytes, short } from './format';
import type { IViewProps } from './panel';
import { Ago, Badge, CheckMark, GateRules, Section, toneOfAnswer } from './parts';
import { CellLink, RunningJob, VerdictView } from './rerun';

export function Detail(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { detail, selected } = model.state;
  const back = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    back.current?.focus({ preventScroll: true });
  }, []);
  const leave = (): void => {
    model.select(null);
  };
  return (
    <div
      className="jp-Mlgov-body jp-Mlgov-detail"
      onKeyDown={event => {
        if (event.key === 'Escape') {
          leave();
        }
      }}
    >
      <button ref={back} type="button" className="jp-Mlgov-back" onClick={leave}>
        <caretLeftIcon.react tag="span" width="16px" height="16px" />
        {trans.__('All snapshots')}
      </button>
      {detail !== null && detail.id === selected ? (
        <Snapshot {...props} snapshot={detail} />
      ) : (
        <div aria-busy="true" />
      )}
    </div>
  );
}

function Snapshot(props: IViewProps & { snapshot: ISnapshot }): React.JSX.Element {
  const { model, trans, actions, snapshot } = props;
  const job = model.state.jobs[snapshot.id];
  const running = job !== undefined && isUnfinished(job) ? job : null;
  const last = snapshot.reruns[snapshot.reruns.length - 1];
  const { goTo: go } = actions;
  const goTo =
    go !== null && actions.canGoTo(snapshot)
      ? (cell: number) => {
          go(snapshot, cell);
        }
      : null;
  return (
    <>
      <div className="jp-Mlgov-detailTop">
        <h3>
          <span className="jp-Mlgov-number">#{snapshot.number}</span> {snapshot.experiment}
        </h3>
        <div className="jp-Mlgov-quiet">
          <Ago at={snapshot.created_at} />
          {snapshot.author ? ` · ${snapshot.author}` : ''} ·{' '}
          <code title={snapshot.id}>{short(snapshot.id)}</code>
        </div>
        {snapshot.message !== '' && <p className="jp-Mlgov-message">{snapshot.message}</p>}
        {snapshot.status === 'error' && (
          <Badge tone="bad">{snapshot.error ?? trans.__('the cell failed')}</Badge>
        )}
      </div>
      <div className="jp-Mlgov-actions">
        <button
          type="button"
          className="jp-Mlgov-button jp-Mlgov-primary"
          disabled={running !== null}
          onClick={() => void model.rerun(snapshot.id)}
        >
          {trans.__('Rerun')}
        </button>
        <button
          type="button"
          className="jp-Mlgov-button"
          onClick={() => {
            actions.report(snapshot.id);
          }}
        >
          {trans.__('Report')}
        </button>
      </div>
      {running !== null && (
        <RunningJob job={running} trans={trans} cancel={() => void model.cancel(running)} />
      )}
      {job?.state === 'failed' && (
        <div className="jp-Mlgov-error" role="alert">
          <span>{job.error}</span>
        </div>
      )}
      {running === null && last !== undefined && (
        <VerdictView
          verdict={last.verdict}
          at={last.at}
          caution={last.caution ?? ''}
          findings={last.findings}
          trans={trans}
          goTo={goTo}
        />
      )}
      {running === null &&
        last === undefined &&
        job?.state === 'done' &&
        job.comparison !== null && <VerdictView {...job.comparison} trans={trans} goTo={goTo} />}
      <Gate {...props} gate={model.state.gate} />
      <Kpis kpis={snapshot.kpis} trans={trans} />
      <Section title={trans.__('Metrics')} count={Object.keys(snapshot.metrics).length}>
        <Values values={snapshot.metrics} empty={trans.__('No metric was computed.')} />
      </Section>
      <Section title={trans.__('Risks')} count={snapshot.risks.length}>
        <Risks risks={snapshot.risks} trans={trans} />
      </Section>
      <Section title={trans.__('Inputs')} count={snapshot.inputs.length}>
        <Inputs inputs={snapshot.inputs} trans={trans} />
      </Section>
      {snapshot.warnings.length > 0 && (
        <Section title={trans.__('Warnings')} count={snapshot.warnings.length}>
          <ul className="jp-Mlgov-rows">
            {snapshot.warnings.map((warning, index) => (
              <li key={index}>
                <p>{warning.message}</p>
                <code className="jp-Mlgov-quiet">{warning.code}</code>
                {typeof warning.cell === 'number' && (
                  <CellLink cell={warning.cell} goTo={goTo} trans={trans} />
                )}
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section
        title={trans.__('Parameters')}
        count={Object.keys(snapshot.parameters).length}
        closed={true}
      >
        <Values values={snapshot.parameters} empty={trans.__('No parameter was set.')} />
      </Section>
      <Section title={trans.__('Code and environment')} closed={true}>
        <dl className="jp-Mlgov-values">
          <dt>{trans.__('Notebook')}</dt>
          <dd>{snapshot.notebook.path}</dd>
          <dt>{trans.__('Commit')}</dt>
          <dd>
            {snapshot.code.commit ? <code>{snapshot.code.commit.slice(0, 10)}</code> : '–'}
            {snapshot.code.dirty === true && ` ${trans.__('with uncommitted changes')}`}
          </dd>
          <dt>Python</dt>
          <dd>{snapshot.environment.python}</dd>
        </dl>
      </Section>
    </>
  );
}

function Gate(
  props: IViewProps & { gate: IGate | null; snapshot: ISnapshot }
): React.JSX.Element | null {
  const { gate, trans, snapshot, model } = props;
  if (gate === null) {
    return null;
  }
  return (
    <details className="jp-Mlgov-gate" open={!gate.open}>
      <summary>
        <Badge tone={gate.open ? 'good' : 'bad'}>
          {gate.open ? trans.__('Gate open') : trans.__('Gate closed')}
        </Badge>
        <span className="jp-Mlgov-quiet">{trans.__('why')}</span>
      </summary>
      <GateRules gate={gate} trans={trans} />
      {snapshot.approvals.length > 0 && (
        <ul className="jp-Mlgov-rows" aria-label={trans.__('Decisions')}>
          {snapshot.approvals.map((decision, index) => (
            <li key={index}>
              <Decision decision={decision} trans={trans} />
            </li>
          ))}
        </ul>
      )}
      <div className="jp-Mlgov-actions">
        {(
          [
            ['approved', trans.__('Approve…')],
            ['rejected', trans.__('Reject…')]
          ] as const
        ).map(([decision, label]) => (
          <button
            key={decision}
            type="button"
            className="jp-Mlgov-button"
            disabled={model.state.doing !== null}
            onClick={() => {
              props.actions.decide(snapshot.id, decision);
            }}
          >
            {label}
          </button>
        ))}
      </div>
    </details>
  );
}

function Decision(props: { decision: IDecision; trans: TranslationBundle }): React.JSX.Element {
  const { decision, trans } = props;
  const words: Readonly<Record<string, string>> = {
    approved: trans.__('approved'),
    rejected: trans.__('rejected'),
    revoked: trans.__('taken back')
  };
  const holds = decision.applies && decision.key !== null;
  return (
    <>
      <div className="jp-Mlgov-riskTop">
        <Badge
          tone={!holds ? 'unsure' : decision.decision === 'approved' ? 'good' : 'bad'}
          {...(decision.key === null ? {} : { title: trans.__('Signed with %1', decision.key) })}
        >
          {words[decision.decision] ?? decision.decision}
        </Badge>
        <span className="jp-Mlgov-riskId">{decision.name}</span>
        <span className="jp-Mlgov-quiet">
          {decision.role} · <Ago at={decision.at} />
        </span>
      </div>
      {decision.message ? <p>{decision.message}</p> : null}
      {!holds && (
        <span className="jp-Mlgov-quiet">{trans.__('does not count: %1', decision.fault)}</span>
      )}
    </>
  );
}

function Kpis(props: { kpis: readonly IKpi[]; trans: TranslationBundle }): React.JSX.Element {
  const { kpis, trans } = props;
  return (
    <Section title={trans.__('KPIs')} count={kpis.length}>
      {kpis.length === 0 ? (
        <p className="jp-Mlgov-quiet">{trans.__('No KPI was declared.')}</p>
      ) : (
        <ul className="jp-Mlgov-rows">
          {kpis.map((kpi, index) => (
            <li key={index} className="jp-Mlgov-kpi">
              <span className="jp-Mlgov-kpiWhat">
                {kpi.metric} {kpi.op} {amount(kpi.target)}
              </span>
              <span className="jp-Mlgov-kpiValue">{amount(kpi.value)}</span>
              <Badge tone={toneOfAnswer(kpi.met)}>
                {kpi.met === true
                  ? trans.__('met')
                  : kpi.met === false
                    ? trans.__('not met')
                    : trans.__('not measured')}
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Values(props: {
  values: Readonly<Record<string, Scalar>>;
  empty: string;
}): React.JSX.Element {
  const entries = Object.entries(props.values);
  if (entries.length === 0) {
    return <p className="jp-Mlgov-quiet">{props.empty}</p>;
  }
  return (
    <dl className="jp-Mlgov-values">
      {entries.map(([name, value]) => (
        <React.Fragment key={name}>
          <dt title={name}>{name}</dt>
          <dd title={String(value)}>{amount(value)}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

function Inputs(props: { inputs: readonly IInput[]; trans: TranslationBundle }): React.JSX.Element {
  const { inputs, trans } = props;
  if (inputs.length === 0) {
    return <p className="jp-Mlgov-quiet">{trans.__('Nothing was read from outside.')}</p>;
  }
  return (
    <ul className="jp-Mlgov-rows">
      {inputs.map((input, index) => {
        const facts = [
          typeof input.rows === 'number'
            ? trans._n('%1 row', '%1 rows', input.rows, input.rows.toLocaleString('en-US'))
            : null,
          input.columns
            ? trans._n('%1 column', '%1 columns', input.columns.length, input.columns.length)
            : null,
          typeof input.bytes === 'number' ? bytes(input.bytes) : null,
          input.derived === true ? trans.__('derived') : null,
          input.evidence
        ].filter(fact => fact !== null);
        return (
          <li key={index}>
            <span className="jp-Mlgov-uri" title={input.uri}>
              {input.uri}
            </span>
            <span className="jp-Mlgov-quiet">{facts.join(' · ')}</span>
            {input.digest !== null ? (
              <code className="jp-Mlgov-digest" title={input.digest}>
                {short(input.digest, 16)}
              </code>
            ) : (
              <Badge tone="unsure">
                {trans.__('not hashed: %1', input.reason ?? trans.__('no reason recorded'))}
              </Badge>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Risks(props: { risks: readonly IRisk[]; trans: TranslationBundle }): React.JSX.Element {
  const { risks, trans } = props;
  if (risks.length === 0) {
    return <p className="jp-Mlgov-quiet">{trans.__('No risk was written down.')}</p>;
  }
  const ordered = [...risks].sort(
    (one, other) => SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity)
  );
  return (
    <ul className="jp-Mlgov-rows">
      {ordered.map(risk => (
        <li key={risk.id}>
          <div className="jp-Mlgov-riskTop">
            <span className={`jp-Mlgov-severity jp-Mlgov-severity-${risk.severity}`}>
              {risk.severity}
            </span>
            <span className="jp-Mlgov-riskId">{risk.id}</span>
            <span className="jp-Mlgov-quiet">{risk.status}</span>
          </div>
          <p>{risk.situation}</p>
          {risk.check ? (
            <div className="jp-Mlgov-check">
              <CheckMark check={risk.check} trans={trans} />
              <code title={risk.check.expression}>{risk.check.expression}</code>
              {risk.check.error && <span className="jp-Mlgov-quiet">{risk.check.error}</span>}
            </div>
          ) : (
            <span className="jp-Mlgov-quiet">{trans.__('asserted only: it has no check')}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
