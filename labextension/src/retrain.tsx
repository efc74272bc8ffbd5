/** A retraining of a release: started by a form, followed while it runs, and what came of the last one. */
import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type IJob, isUnfinished } from './documents';
import { askForm, type IFormProps } from './form';
import { amount } from './format';
import type { IMeasured, IRetraining, IRetrainWish } from './lifedocuments';
import type { IViewProps } from './panel';
import { Ago, Badge, type Tone } from './parts';
import { RunningJob } from './rerun';

const TONES: Readonly<Record<IRetraining['outcome'], Tone>> = {
  released: 'good',
  ready: 'good',
  'not good enough': 'unsure',
  'gate closed': 'bad',
  failed: 'bad'
};

export function Retrain(
  props: IViewProps & { release: string; job?: IJob | undefined; last?: IRetraining | undefined }
): React.JSX.Element {
  const { model, trans, release, job, last } = props;
  const running = job !== undefined && isUnfinished(job) ? job : null;
  return (
    <div className="jp-Mlgov-retrain">
      {running !== null ? (
        <RunningJob job={running} trans={trans} cancel={() => void model.cancel(running)} />
      ) : (
        <button
          type="button"
          className="jp-Mlgov-button"
          aria-label={trans.__('Retrain %1', release)}
          onClick={() => {
            void askForRetraining(release, trans).then(async wish => {
              if (wish !== null) {
                await model.retrain(wish);
              }
            });
          }}
        >
          {trans.__('Retrain…')}
        </button>
      )}
      {job?.state === 'failed' && (
        <div className="jp-Mlgov-error" role="alert">
          <span>{job.error}</span>
        </div>
      )}
      {running === null && last !== undefined && <Last {...props} last={last} />}
    </div>
  );
}

function Last(props: IViewProps & { last: IRetraining }): React.JSX.Element {
  const { last, trans, model } = props;
  const { contest, snapshot } = last;
  const names: Readonly<Record<IRetraining['outcome'], string>> = {
    released: trans.__('released'),
    ready: trans.__('ready: it waits for a release'),
    'not good enough': trans.__('not good enough'),
    'gate closed': trans.__('gate closed'),
    failed: trans.__('failed')
  };
  const added = last.rows_new.toLocaleString('en-US');
  return (
    <div className="jp-Mlgov-retrained" role="group" aria-label={trans.__('Last retraining')}>
      <div className="jp-Mlgov-riskTop">
        <Badge tone={TONES[last.outcome]}>{names[last.outcome]}</Badge>
        {snapshot !== null && (
          <button
            type="button"
            className="jp-Mlgov-link"
            onClick={() => {
              model.select(snapshot);
            }}
          >
            {last.reference.replace('@', ' #')}
          </button>
        )}
        <span className="jp-Mlgov-quiet">
          {last.source === 'file'
            ? trans.__('%1 rows of %2', added, last.file)
            : trans.__('%1 logged rows', added)}
          {last.at !== '' && (
            <>
              {' · '}
              <Ago at={last.at} />
            </>
          )}
        </span>
      </div>
      {contest !== null && (
        <table className="jp-Mlgov-table">
          <thead>
            <tr>
              <th scope="col">{contest.metric}</th>
              <th scope="col">{trans.__('value')}</th>
              <th scope="col">{trans.__('95 % interval')}</th>
            </tr>
          </thead>
          <tbody>
            <Row name={trans.__('version %1', last.number)} measured={contest.champion} />
            <Row name={trans.__('retrained')} measured={contest.challenger} />
            <Row name={trans.__('gain')} measured={contest.gain} />
          </tbody>
        </table>
      )}
      {last.reasons.map((reason, place) => (
        <p key={place}>{reason}</p>
      ))}
    </div>
  );
}

function Row(props: { name: string; measured: IMeasured | null }): React.JSX.Element | null {
  const { name, measured } = props;
  return measured === null ? null : (
    <tr>
      <th scope="row">{name}</th>
      <td>{amount(measured.value)}</td>
      <td>
        {amount(measured.low)} – {amount(measured.high)}
      </td>
    </tr>
  );
}

interface IFields {
  readonly data: string;
  readonly mode: '' | 'add' | 'replace';
  readonly mayRelease: boolean;
}

async function askForRetraining(
  release: string,
  trans: TranslationBundle
): Promise<IRetrainWish | null> {
  const Fields = (props: IFormProps<IFields>): React.JSX.Element => (
    <>
      <p>
        {trans.__(
          'The notebook of the released snapshot runs again on newer data. What comes of it is measured beside the release, and goes through the same gate.'
        )}
      </p>
      <label>
        <span>{trans.__('Table file, from the server’s folder')}</span>
        <input
          name="data"
          value={props.value.data}
          placeholder={trans.__('empty: the logged predictions whose outcome is known')}
          onChange={event => {
            props.set({ data: event.target.value });
          }}
        />
      </label>
      <label>
        <span>{trans.__('The recorded rows')}</span>
        <select
          name="mode"
          value={props.value.mode}
          onChange={event => {
            props.set({ mode: event.target.value as IFields['mode'] });
          }}
        >
          <option value="">{trans.__('as mlgov.toml says')}</option>
          <option value="add">{trans.__('stay: the new ones are added')}</option>
          <option value="replace">{trans.__('go: the new ones take their place')}</option>
        </select>
      </label>
      <label className="jp-Mlgov-checkField">
        <input
          name="mayRelease"
          type="checkbox"
          checked={props.value.mayRelease}
          onChange={event => {
            props.set({ mayRelease: event.target.checked });
          }}
        />
        <span>{trans.__('Release it, where mlgov.toml allows that and it is good enough')}</span>
      </label>
    </>
  );
  const value = await askForm<IFields>({
    title: trans.__('Retrain %1', release),
    value: { data: '', mode: '', mayRelease: false },
    isComplete: () => true,
    Fields,
    focus: '[name="data"]',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Retrain') })
    ]
  });
  return value === null
    ? null
    : {
        release,
        data: value.data.trim() === '' ? null : value.data.trim(),
        replace: value.mode === '' ? null : value.mode === 'replace',
        may_release: value.mayRelease
      };
}
