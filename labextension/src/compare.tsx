/** Two snapshots side by side, in a tab of the main area: findings first, then what differs, then all the rest. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { IOutput } from '@jupyterlab/nbformat';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { DiffView } from './diffview';
import type { Change, ICellRow, IHead, IInputRow, IRow, ISideBySide, Scalar } from './documents';
import { amount, bytes } from './format';
import { shieldIcon } from './icons';
import { Ago, Badge, Section, type Tone } from './parts';
import { lineOf } from './requests';
import { VerdictView } from './rerun';

export interface ICompareSource {
  readonly load: () => Promise<ISideBySide>;
  readonly outputs: (id: string, cell: number) => Promise<readonly IOutput[]>;
  readonly rendermime: IRenderMimeRegistry;
  readonly trans: TranslationBundle;
}

export function compareTab(
  id: string,
  label: string,
  source: ICompareSource
): MainAreaWidget<ReactWidget> {
  const content = ReactWidget.create(<Compare {...source} />);
  content.addClass('jp-Mlgov-panel');
  content.addClass('jp-Mlgov-compare');
  const tab = new MainAreaWidget({ content });
  tab.id = id;
  tab.title.label = label;
  tab.title.caption = source.trans.__('Two snapshots side by side');
  tab.title.icon = shieldIcon;
  tab.title.closable = true;
  return tab;
}

function Compare(props: ICompareSource): React.JSX.Element {
  const { load, trans } = props;
  const [told, setTold] = React.useState<ISideBySide | string | null>(null);
  React.useEffect(() => {
    let wanted = true;
    load().then(
      answer => {
        if (wanted) {
          setTold(answer);
        }
      },
      (error: unknown) => {
        if (wanted) {
          setTold(lineOf(error));
        }
      }
    );
    return () => {
      wanted = false;
    };
  }, [load]);
  if (told === null) {
    return <div className="jp-Mlgov-body" aria-busy="true" />;
  }
  if (typeof told === 'string') {
    return (
      <div className="jp-Mlgov-error" role="alert">
        <span>{told}</span>
      </div>
    );
  }
  const { baseline, candidate, comparison } = told;
  return (
    <div className="jp-Mlgov-body" tabIndex={0} role="region" aria-label={trans.__('Comparison')}>
      <div className="jp-Mlgov-sides">
        <Side head={baseline} trans={trans} />
        <Side head={candidate} trans={trans} />
      </div>
      <VerdictView {...comparison} goTo={null} compared={true} trans={trans} />
      <Values title={trans.__('Metrics')} rows={told.metrics} trans={trans} />
      <Values title={trans.__('Parameters')} rows={told.parameters} trans={trans} />
      <Inputs inputs={told.inputs} trans={trans} />
      <Cells {...props} told={told} />
      <Values title={trans.__('Packages')} rows={told.packages} folded={true} trans={trans} />
      {told.variables.length > 0 && (
        <Values title={trans.__('Variables')} rows={told.variables} folded={true} trans={trans} />
      )}
    </div>
  );
}

function Side(props: { head: IHead; trans: TranslationBundle }): React.JSX.Element {
  const { head, trans } = props;
  return (
    <div>
      <h3>
        <span className="jp-Mlgov-number">#{head.number ?? head.id.slice(0, 8)}</span>{' '}
        {head.experiment}
      </h3>
      <div className="jp-Mlgov-quiet">
        <Ago at={head.created_at} />
        {head.author === '' ? '' : ` · ${head.author}`} · Python {head.python}
        {head.commit === null ? '' : ` · ${trans.__('commit')} ${head.commit.slice(0, 8)}`}
      </div>
      {head.message !== '' && <p>{head.message}</p>}
    </div>
  );
}

const TONES: Readonly<Record<Change, Tone>> = {
  same: 'quiet',
  changed: 'unsure',
  added: 'good',
  removed: 'bad',
  unknown: 'unsure'
};

function ChangeBadge(props: {
  change: Change;
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const { change, trans } = props;
  const words: Readonly<Record<Change, string>> = {
    same: trans.__('same'),
    changed: trans.__('changed'),
    added: trans.__('only right'),
    removed: trans.__('only left'),
    unknown: trans.__('not known')
  };
  return change === 'same' ? null : <Badge tone={TONES[change]}>{words[change]}</Badge>;
}

function Values(props: {
  title: string;
  rows: readonly IRow[];
  folded?: boolean;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { title, rows, folded, trans } = props;
  const [all, setAll] = React.useState(false);
  const changed = rows.filter(row => row.change !== 'same');
  const hidden = rows.length - changed.length;
  // A long list shows what differs; what is equal is one click away.
  const short = folded === true && !all;
  const shown = short ? changed : [...changed, ...rows.filter(row => row.change === 'same')];
  return (
    <Section title={title} count={changed.length}>
      <ChangeTable
        what={trans.__('Name')}
        trans={trans}
        rows={shown.map(({ name, before, after, change }) => ({
          name,
          before: <span title={String(before)}>{amount(before)}</span>,
          after: <span title={String(after)}>{amount(after)}</span>,
          change,
          note: difference(before, after)
        }))}
      />
      {rows.length === 0 && <p className="jp-Mlgov-quiet">{trans.__('There are none.')}</p>}
      {short && hidden > 0 && (
        <button
          type="button"
          className="jp-Mlgov-link"
          onClick={() => {
            setAll(true);
          }}
        >
          {trans._n('Show %1 that is the same', 'Show %1 that are the same', hidden, hidden)}
        </button>
      )}
    </Section>
  );
}

/** What stands on either side, and how it changed; nothing where there is no row. */
function ChangeTable(props: {
  what: string;
  rows: readonly {
    readonly name: string;
    readonly before: React.ReactNode;
    readonly after: React.ReactNode;
    readonly change: Change;
    readonly note: string;
  }[];
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const { what, rows, trans } = props;
  return rows.length === 0 ? null : (
    <table className="jp-Mlgov-table">
      <thead>
        <tr>
          <th scope="col">{what}</th>
          <th scope="col">{trans.__('Left')}</th>
          <th scope="col">{trans.__('Right')}</th>
          <th scope="col">{trans.__('Change')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <tr key={row.name} data-change={row.change}>
            <th scope="row">{row.name}</th>
            <td>{row.before}</td>
            <td>{row.after}</td>
            <td>
              {row.note} <ChangeBadge change={row.change} trans={trans} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function difference(before: Scalar, after: Scalar): string {
  if (typeof before !== 'number' || typeof after !== 'number' || before === after) {
    return '';
  }
  const change = after - before;
  return `${change > 0 ? '+' : ''}${amount(change)}`;
}

function Inputs(props: {
  inputs: readonly IInputRow[];
  trans: TranslationBundle;
}): React.JSX.Element {
  const { inputs, trans } = props;
  const changed = inputs.filter(input => input.change !== 'same');
  return (
    <Section title={trans.__('Data')} count={changed.length}>
      {inputs.length === 0 && (
        <p className="jp-Mlgov-quiet">{trans.__('Nothing was read from outside.')}</p>
      )}
      <ul className="jp-Mlgov-rows">
        {inputs.map(input => (
          <li key={input.uri}>
            <div className="jp-Mlgov-riskTop">
              <span className="jp-Mlgov-uri">{input.uri}</span>
              <ChangeBadge change={input.change} trans={trans} />
            </div>
            <span className="jp-Mlgov-quiet">
              {trans.__('%1 → %2 rows', amount(input.rows[0]), amount(input.rows[1]))} ·{' '}
              {input.bytes.map(size => (size === null ? '–' : bytes(size))).join(' → ')}
            </span>
            <ChangeTable
              what={trans.__('Column')}
              trans={trans}
              rows={input.columns
                .filter(column => column.change !== 'same')
                .map(({ name, before, after, change }) => ({
                  name,
                  before: before ?? '–',
                  after: after ?? '–',
                  change,
                  note: change === 'changed' && before === after ? trans.__('other values') : ''
                }))}
            />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Cells(props: ICompareSource & { told: ISideBySide }): React.JSX.Element {
  const { told, trans } = props;
  const differs = (cell: ICellRow): boolean =>
    cell.change !== 'same' ||
    (cell.result !== null && !['same', 'noise', 'not-run'].includes(cell.result));
  const shown = told.cells.filter(differs);
  const rest = told.cells.length - shown.length;
  return (
    <Section title={trans.__('Code and outputs')} count={shown.length}>
      {shown.map((cell, place) => (
        <div key={place} className="jp-Mlgov-cellRow">
          <div className="jp-Mlgov-riskTop">
            <span className="jp-Mlgov-riskId">
              {trans.__(
                'Cell %1',
                cell.indices.map(index => (index === null ? '–' : index + 1)).join(' → ')
              )}
            </span>
            <ChangeBadge change={cell.change} trans={trans} />
            {cell.result !== null && cell.result !== 'same' && (
              <span className="jp-Mlgov-quiet">
                {trans.__('output: %1', cell.result)}
                {cell.note === '' ? '' : ` (${cell.note})`}
              </span>
            )}
          </div>
          {cell.change !== 'same' && (
            <DiffView
              before={cell.before}
              after={cell.after}
              label={trans.__('What changed in the code')}
            />
          )}
          <div className="jp-Mlgov-sides">
            <Outputs
              {...props}
              id={told.baseline.id}
              cell={cell.outputs[0] ? cell.indices[0] : null}
            />
            <Outputs
              {...props}
              id={told.candidate.id}
              cell={cell.outputs[1] ? cell.indices[1] : null}
            />
          </div>
        </div>
      ))}
      {rest > 0 && (
        <p className="jp-Mlgov-quiet">
          {trans._n('%1 cell is the same.', '%1 cells are the same.', rest, rest)}
        </p>
      )}
    </Section>
  );
}

/** What a cell showed, drawn by JupyterLab as an untrusted notebook's output: no script runs, HTML is sanitised. */
function Outputs(props: ICompareSource & { id: string; cell: number | null }): React.JSX.Element {
  const { outputs, rendermime, id, cell } = props;
  const place = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    const node = place.current;
    if (node === null || cell === null) {
      return;
    }
    let area: SimplifiedOutputArea | null = null;
    let wanted = true;
    outputs(id, cell).then(
      values => {
        if (wanted) {
          const model = new OutputAreaModel({ trusted: false, values: [...values] });
          area = new SimplifiedOutputArea({ model, rendermime });
          Widget.attach(area, node);
        }
      },
      (error: unknown) => {
        node.textContent = lineOf(error);
      }
    );
    return () => {
      wanted = false;
      area?.model.dispose();
      area?.dispose();
    };
  }, [outputs, rendermime, id, cell]);
  return <div ref={place} className="jp-Mlgov-outputs" />;
}
