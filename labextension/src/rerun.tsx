/** A rerun while it runs, and what it found. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IFinding, IJob, Verdict } from './documents';
import { elapsed } from './format';
import { Ago, Badge, toneOf, verdictName } from './parts';

/** Stages of which the message says no more than their own words. */
const SAID: ReadonlySet<string> = new Set(['rerun', 'again', 'retrain']);

export function RunningJob(props: {
  job: IJob;
  trans: TranslationBundle;
  cancel: () => void;
}): React.JSX.Element {
  const { job, trans } = props;
  const { cell, cells, message, stage } = job.progress;
  const seconds = useTicking(job);
  const queued = job.state === 'queued';
  const stages: Readonly<Record<string, string>> = {
    environment: trans.__('Making the recorded environment'),
    rerun: trans.__('Executing the notebook again'),
    retrain: trans.__('Executing the notebook on the new data'),
    plan: trans.__('It differs: looking for the cause'),
    again: trans.__('Executing it once more unchanged, to see whether it is random'),
    confirm: trans.__('Executing it with one change taken back, to confirm the cause')
  };
  const why = stages[stage] ?? stage;
  const what = queued
    ? trans.__('Waiting for another job')
    : cells > 0
      ? trans.__('Cell %1 of %2', cell, cells)
      : trans.__('Starting');
  return (
    <div
      className="jp-Mlgov-job"
      role="group"
      aria-label={job.kind === 'retrain' ? trans.__('Retraining') : trans.__('Rerun')}
    >
      <div className="jp-Mlgov-jobTop">
        <span className="jp-Mlgov-jobWhat">{what}</span>
        {!queued && <span className="jp-Mlgov-jobTime">{elapsed(seconds)}</span>}
        <button type="button" className="jp-Mlgov-link" onClick={props.cancel}>
          {trans.__('Cancel')}
        </button>
      </div>
      <progress
        className="jp-Mlgov-progress"
        aria-label={trans.__('Progress')}
        {...(cells > 0 ? { max: cells, value: cell } : {})}
      />
      {why !== '' && <div className="jp-Mlgov-quiet">{why}</div>}
      {message !== '' && !SAID.has(stage) && (
        <div className="jp-Mlgov-quiet jp-Mlgov-oneLine" title={message}>
          {message}
        </div>
      )}
    </div>
  );
}

/** The job's seconds: as the server said, and on from there. */
function useTicking(job: IJob): number {
  const [tick, setTick] = React.useState({ job, seconds: job.elapsed_s });
  React.useEffect(() => {
    if (job.state !== 'running') {
      return;
    }
    const start = Date.now();
    const timer = setInterval(() => {
      setTick({ job, seconds: job.elapsed_s + (Date.now() - start) / 1000 });
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [job]);
  return tick.job === job ? tick.seconds : job.elapsed_s;
}

export function VerdictView(props: {
  verdict: Verdict;
  at?: string;
  caution?: string;
  findings: readonly IFinding[];
  trans: TranslationBundle;
  /** Goes to a cell of the snapshot's notebook; null where that is not open. */
  goTo: ((cell: number) => void) | null;
  /** Two snapshots were compared; nothing was executed. */
  compared?: boolean;
}): React.JSX.Element {
  const { verdict, findings, trans, goTo } = props;
  const meanings: Readonly<Record<Verdict, string>> =
    props.compared === true
      ? {
          reproduced: trans.__('Both have the same result.'),
          equivalent: trans.__('Both have the same result within tolerance.'),
          diverged: trans.__('The results differ.'),
          failed: trans.__(
            'A cell on the right raised an error that it did not raise on the left.'
          ),
          blocked: trans.__('They cannot be compared.')
        }
      : {
          reproduced: trans.__('The rerun gave the same result.'),
          equivalent: trans.__('The rerun gave the same result within tolerance.'),
          diverged: trans.__('The rerun gave a different result.'),
          failed: trans.__('A cell raised an error that did not do so before.'),
          blocked: trans.__('The snapshot could not be rerun.')
        };
  return (
    <div className={`jp-Mlgov-verdict jp-Mlgov-tone-${toneOf(verdict)}`} aria-live="polite">
      <div className="jp-Mlgov-verdictTop">
        <Badge tone={toneOf(verdict)}>
          <strong>{verdictName(verdict, trans)}</strong>
        </Badge>
        {props.at !== undefined && (
          <span className="jp-Mlgov-when">
            <Ago at={props.at} />
          </span>
        )}
      </div>
      <p>{meanings[verdict]}</p>
      {props.caution !== undefined && props.caution !== '' && <p role="note">{props.caution}</p>}
      {findings.length > 0 && (
        <ol className="jp-Mlgov-findings" aria-label={trans.__('Findings, the main cause first')}>
          {findings.map((finding, index) => (
            <li key={index}>
              <div className="jp-Mlgov-findingTop">
                <code>{finding.cause}</code>
                <span className="jp-Mlgov-subject">{finding.subject}</span>
              </div>
              <p>{finding.message}</p>
              {finding.remedy !== '' && <p className="jp-Mlgov-remedy">{finding.remedy}</p>}
              <div className="jp-Mlgov-quiet">
                {typeof finding.cell === 'number' && (
                  <>
                    <CellLink cell={finding.cell} goTo={goTo} trans={trans} />
                    {' · '}
                  </>
                )}
                {finding.confirmed
                  ? trans.__('confirmed by a controlled rerun')
                  : trans.__('best explanation, not confirmed')}
              </div>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** A cell, counted from 1 as people do; a click goes there where the notebook is open. */
export function CellLink(props: {
  cell: number;
  goTo: ((cell: number) => void) | null;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { cell, goTo, trans } = props;
  const label = trans.__('cell %1', cell + 1);
  return goTo === null ? (
    <span className="jp-Mlgov-quiet">{label}</span>
  ) : (
    <button
      type="button"
      className="jp-Mlgov-link"
      title={trans.__('Go to the cell')}
      onClick={() => {
        goTo(cell);
      }}
    >
      {label}
    </button>
  );
}
