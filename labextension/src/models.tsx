/** The model inventory: what each experiment is for, and how its newest snapshot stands. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IModelRow, ISaid } from './documents';
import type { IViewProps } from './panel';
import { Badge, type Tone } from './parts';
import { Start } from './start';

const TONES: Readonly<Record<ISaid['tone'], Tone>> = {
  good: 'good',
  bad: 'bad',
  warn: 'unsure',
  quiet: 'quiet'
};

export function Models(props: IViewProps): React.JSX.Element {
  const { model, trans } = props;
  const { models, loaded, error, project } = model.state;
  const [text, setText] = React.useState('');
  const [closed, setClosed] = React.useState(false);
  if (!loaded || (models === null && project?.exists === true && error === null)) {
    return <div className="jp-Mlgov-body" aria-busy="true" />;
  }
  if (models === null || models.length === 0) {
    return error === null ? <Start {...props} /> : <div className="jp-Mlgov-body" />;
  }
  const shown = models.filter(
    row => matches(row, text) && (!closed || row.gate.tone !== 'good' || row.fault !== '')
  );
  return (
    <div className="jp-Mlgov-body jp-Mlgov-register jp-Mlgov-models">
      <div className="jp-Mlgov-search">
        <input
          type="search"
          value={text}
          placeholder={trans.__('Filter the models')}
          aria-label={trans.__('Filter the models')}
          onChange={event => {
            setText(event.target.value);
          }}
        />
        <label className="jp-Mlgov-inline">
          <input
            type="checkbox"
            checked={closed}
            onChange={event => {
              setClosed(event.target.checked);
            }}
          />
          {trans.__('gate closed')}
        </label>
      </div>
      <p className="jp-Mlgov-quiet" role="status">
        {trans.__(
          '%1 of %2 models, %3 with an open gate',
          shown.length,
          models.length,
          models.filter(row => row.gate.tone === 'good').length
        )}
      </p>
      <ul className="jp-Mlgov-rows" aria-label={trans.__('Models')}>
        {shown.map(row => (
          <li key={row.id}>
            <Model
              row={row}
              trans={trans}
              open={() => {
                model.select(row.id);
              }}
              snapshots={() => {
                model.find(`experiment:${experimentOf(row)}`);
              }}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Model(props: {
  row: IModelRow;
  trans: TranslationBundle;
  open: () => void;
  snapshots: () => void;
}): React.JSX.Element {
  const { row, trans } = props;
  if (row.fault !== '') {
    return (
      <>
        <code>{row.id.slice(0, 12)}</code>
        <Badge tone="bad">{trans.__('cannot be read: %1', row.fault)}</Badge>
      </>
    );
  }
  const said: readonly (readonly [string, ISaid])[] = [
    [trans.__('gate'), row.gate],
    [trans.__('KPIs'), row.kpis],
    [trans.__('risks'), row.risks],
    [trans.__('rerun'), row.rerun],
    [trans.__('decided by'), row.approvals]
  ];
  return (
    <article aria-label={row.title}>
      <h3>{row.title}</h3>
      <div className="jp-Mlgov-quiet">
        <button type="button" className="jp-Mlgov-link" onClick={props.open}>
          {row.reference}
        </button>
        {' · '}
        {row.owner === '' ? '' : `${row.owner} · `}
        {row.recorded}
        {' · '}
        <button
          type="button"
          className="jp-Mlgov-link"
          aria-label={trans.__('All snapshots of %1', experimentOf(row))}
          onClick={props.snapshots}
        >
          {trans.__('all snapshots')}
        </button>
      </div>
      {row.purpose !== '' && <p>{row.purpose}</p>}
      <dl className="jp-Mlgov-values">
        {said.map(([name, { text, tone, note }]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <Badge tone={TONES[tone]}>{text}</Badge>
              {note !== '' && <span className="jp-Mlgov-quiet"> {note}</span>}
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </article>
  );
}

function experimentOf(row: IModelRow): string {
  return row.reference.replace(/@\d+$/, '');
}

function matches(row: IModelRow, text: string): boolean {
  const whole = [row.title, row.reference, row.purpose, row.owner, row.gate.text, row.gate.note]
    .join('\n')
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every(word => whole.includes(word));
}
