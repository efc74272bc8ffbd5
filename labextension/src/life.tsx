/** Which model is on which stage, by which snapshot and gate, what its monitor says, and what was there before. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IGate } from './documents';
import type { IReleasedModel } from './lifedocuments';
import { retrainKey } from './state';
import { MonitorState } from './monitor';
import type { IViewProps } from './panel';
import { Ago, Badge, GateRules, Section } from './parts';
import { Retrain } from './retrain';
import { Start } from './start';

export function Life(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { releases, loaded, error, project } = model.state;
  if (!loaded || (releases === null && project?.exists === true && error === null)) {
    return <div className="jp-Mlgov-body" aria-busy="true" />;
  }
  if (releases === null) {
    return error === null ? <Start {...props} /> : <div className="jp-Mlgov-body" />;
  }
  if (releases.length === 0) {
    return (
      <div className="jp-Mlgov-body jp-Mlgov-start">
        <h3>{trans.__('Nothing is released yet')}</h3>
        <p>{trans.__('Put a snapshot whose gate is open on a stage, in a terminal:')}</p>
        <code>mlgov release NAME --as MODEL --stage staging</code>
      </div>
    );
  }
  return (
    <div className="jp-Mlgov-body jp-Mlgov-detail jp-Mlgov-life">
      {byModel(releases).map(([name, stages]) => (
        <Section key={name} title={name}>
          <ul className="jp-Mlgov-rows">
            {stages.map(([stage, history]) => (
              <li key={stage}>
                <Stage {...props} name={name} stage={stage} history={history} />
              </li>
            ))}
          </ul>
        </Section>
      ))}
    </div>
  );
}

function Stage(
  props: IViewProps & { name: string; stage: string; history: readonly IReleasedModel[] }
): React.JSX.Element | null {
  const { model, trans, name, stage } = props;
  const [now, ...before] = props.history;
  if (now === undefined) {
    return null;
  }
  const of = (one: { model: string; stage: string }): boolean =>
    one.model === name && one.stage === stage;
  const release = `${name}:${stage}`;
  const monitored = model.state.monitors.find(one => of(one.monitoring));
  const select = (id: string): void => {
    model.select(id);
  };
  return (
    <section aria-label={release}>
      <div className="jp-Mlgov-riskTop">
        <span className="jp-Mlgov-riskId">{stage}</span>
      </div>
      <Released one={now} trans={trans} select={select} />
      {monitored === undefined ? (
        <p className="jp-Mlgov-quiet">
          {trans.__('Not watched yet. In a terminal, once it has answered requests:')}{' '}
          <code>mlgov monitor {release}</code>
        </p>
      ) : (
        <MonitorState monitored={monitored} trans={trans} />
      )}
      <Retrain
        {...props}
        release={release}
        job={model.state.retrains[retrainKey(release, now.release.snapshot)]}
        last={model.state.retrainings.find(of)}
      />
      {before.length > 0 && (
        <details>
          <summary className="jp-Mlgov-quiet">
            {trans._n('%1 release before', '%1 releases before', before.length, before.length)}
          </summary>
          {before.map((one, place) => (
            <Released key={place} one={one} trans={trans} select={select} />
          ))}
        </details>
      )}
    </section>
  );
}

function Released(props: {
  one: IReleasedModel;
  trans: TranslationBundle;
  select: (snapshot: string) => void;
}): React.JSX.Element {
  const { one, trans } = props;
  const { release } = one;
  const back = release.previous !== null && release.previous > release.number;
  return (
    <div>
      <strong>{trans.__('version %1', release.number)}</strong>{' '}
      <button
        type="button"
        className="jp-Mlgov-link"
        onClick={() => {
          props.select(release.snapshot);
        }}
      >
        {`${one.experiment} #${one.number ?? release.snapshot.slice(0, 8)}`}
      </button>{' '}
      <span className="jp-Mlgov-quiet">
        {back ? `${trans.__('back from version %1', release.previous)} · ` : ''}
        {release.by} · <Ago at={release.at} />
      </span>
      {release.message !== '' && <p>{release.message}</p>}
      {one.gate !== null && <LetThrough gate={one.gate} trans={trans} />}
    </div>
  );
}

/** What the gate said when it let the release through: not what it would say today. */
function LetThrough(props: { gate: IGate; trans: TranslationBundle }): React.JSX.Element {
  const { gate, trans } = props;
  return (
    <details className="jp-Mlgov-letThrough">
      <summary>
        <Badge tone={gate.open ? 'good' : 'bad'}>
          {gate.open ? trans.__('Gate was open') : trans.__('Gate was closed')}
        </Badge>
        <span className="jp-Mlgov-quiet">{trans.__('why')}</span>
      </summary>
      <GateRules gate={gate} trans={trans} />
    </details>
  );
}

/** Models by name; the stages of each, the one that changed last first, with their releases, newest first. */
function byModel(
  releases: readonly IReleasedModel[]
): readonly (readonly [string, readonly (readonly [string, readonly IReleasedModel[]])[]])[] {
  const models = new Map<string, Map<string, IReleasedModel[]>>();
  for (const one of releases) {
    const stages = models.get(one.release.model) ?? new Map<string, IReleasedModel[]>();
    models.set(one.release.model, stages);
    stages.set(one.release.stage, [...(stages.get(one.release.stage) ?? []), one]);
  }
  return [...models]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, stages]) => [name, [...stages]] as const);
}
