/** The form of a risk, in a dialog. What it gives back is written into the notebook, into the cell that states the risk. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { LIKELIHOODS, RISK_STATUSES, SEVERITIES } from './documents';
import { type Field, isRiskId, type RiskValues } from './riskcell';

export interface IRiskEntry {
  readonly id: string;
  readonly values: RiskValues;
  /** Whether the cell is run once it is written. */
  readonly run: boolean;
}

/** Asks for a risk. Null where the user cancels. `fixed` fields cannot be edited in a form. */
export async function askForRisk(
  options: {
    readonly id: string | null;
    readonly values: RiskValues;
    readonly fixed: readonly Field[];
    readonly taken: readonly string[];
    /** It stands in a markdown cell, which no kernel executes. */
    readonly inText: boolean;
  },
  trans: TranslationBundle
): Promise<IRiskEntry | null> {
  const body = new RiskForm(options, trans);
  const result = await showDialog<{ id: string; values: RiskValues }>({
    title: options.id === null ? trans.__('Add a risk') : trans.__('Edit the risk %1', options.id),
    body,
    focusNodeSelector: options.id === null ? '[name="id"]' : '[name="situation"]',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      ...(options.inText
        ? [Dialog.okButton({ label: trans.__('Write the cell'), actions: ['write'] })]
        : [
            Dialog.createButton({ label: trans.__('Write the cell'), actions: ['write'] }),
            Dialog.okButton({ label: trans.__('Write and run'), actions: ['run'] })
          ])
    ]
  });
  if (!result.button.accept || result.value === null) {
    return null;
  }
  const { id, values } = result.value;
  if (!isComplete(id, values, options.id === null ? options.taken : [])) {
    // The Enter key accepts a dialog whatever its buttons say.
    return askForRisk({ ...options, values }, trans);
  }
  return { id, values, run: result.button.actions.includes('run') };
}

function isComplete(id: string, values: RiskValues, taken: readonly string[]): boolean {
  return isRiskId(id) && !taken.includes(id) && (values.situation ?? '').trim() !== '';
}

class RiskForm
  extends ReactWidget
  implements Dialog.IBodyWidget<{ id: string; values: RiskValues }>
{
  constructor(
    private readonly options: Parameters<typeof askForRisk>[0],
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Mlgov-riskForm');
    this.id_ = options.id ?? '';
    this.values = { severity: 'medium', likelihood: 'medium', status: 'open', ...options.values };
  }

  getValue(): { id: string; values: RiskValues } {
    return { id: this.id_, values: this.values };
  }

  protected render(): React.JSX.Element {
    return (
      <Fields
        {...this.options}
        id={this.options.id}
        values={this.values}
        trans={this.trans}
        change={(id, values) => {
          this.id_ = id;
          this.values = values;
        }}
        ready={ready => {
          this.allow(ready);
        }}
      />
    );
  }

  /** What is incomplete cannot be written. */
  private allow(ready: boolean): void {
    const dialog = this.node.closest('.jp-Dialog');
    dialog
      ?.querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer button.jp-mod-accept')
      .forEach(button => {
        button.disabled = !ready;
      });
  }

  private id_: string;
  private values: RiskValues;
}

function Fields(props: {
  readonly id: string | null;
  readonly values: RiskValues;
  readonly fixed: readonly Field[];
  readonly taken: readonly string[];
  readonly inText: boolean;
  readonly trans: TranslationBundle;
  readonly change: (id: string, values: RiskValues) => void;
  readonly ready: (ready: boolean) => void;
}): React.JSX.Element {
  const { trans, change, ready, taken, fixed } = props;
  const [id, setId] = React.useState(props.id ?? '');
  const [values, setValues] = React.useState(props.values);
  const known = props.id === null && taken.includes(id);
  const valid = isComplete(id, values, known ? taken : []);
  React.useEffect(() => {
    change(id, values);
    ready(valid);
  }, [change, ready, id, values, valid]);

  const set = (field: Field, value: string): void => {
    setValues({ ...values, [field]: value });
  };
  const text = (field: Field, label: string, options: { lines?: number; hint?: string } = {}) => (
    <label>
      <span>{label}</span>
      {options.lines !== undefined ? (
        <textarea
          name={field}
          rows={options.lines}
          value={values[field] ?? ''}
          disabled={fixed.includes(field)}
          onChange={event => {
            set(field, event.target.value);
          }}
        />
      ) : (
        <input
          name={field}
          value={values[field] ?? ''}
          disabled={fixed.includes(field)}
          placeholder={options.hint}
          onChange={event => {
            set(field, event.target.value);
          }}
        />
      )}
    </label>
  );
  const choice = (field: Field, label: string, words: readonly string[]) => (
    <label>
      <span>{label}</span>
      <select
        name={field}
        value={values[field] ?? ''}
        onChange={event => {
          set(field, event.target.value);
        }}
      >
        {words.map(word => (
          <option key={word} value={word}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <div className="jp-Mlgov-fields">
      <label>
        <span>{trans.__('Id')}</span>
        <input
          name="id"
          value={id}
          disabled={props.id !== null}
          aria-invalid={id !== '' && (!isRiskId(id) || known)}
          placeholder="unequal-error"
          onChange={event => {
            setId(event.target.value);
          }}
        />
      </label>
      {known && (
        <span className="jp-Mlgov-quiet" role="alert">
          {trans.__('The notebook has a risk of that name.')}
        </span>
      )}
      {text('situation', trans.__('Situation: when does the model fail, and whom?'), { lines: 2 })}
      {text('effect', trans.__('Effect'), { lines: 2 })}
      <div className="jp-Mlgov-fieldRow">
        {choice('severity', trans.__('Severity'), [...SEVERITIES].reverse())}
        {choice('likelihood', trans.__('Likelihood'), LIKELIHOODS)}
        {choice('status', trans.__('Status'), RISK_STATUSES)}
      </div>
      {text('mitigation', trans.__('Mitigation'), { lines: 2 })}
      {text(
        'check',
        trans.__('Check: an expression that is true while the risk is under control'),
        {
          hint: 'recall_gap < 0.05'
        }
      )}
      <div className="jp-Mlgov-fieldRow">
        {text('owner', trans.__('Owner'))}
        {text('review_by', trans.__('Review by'), { hint: '2027-01-31' })}
      </div>
      {props.inText && (
        <p className="jp-Mlgov-quiet">
          {trans.__(
            'It stands in a markdown cell, and is written there: the next snapshot records it.'
          )}
        </p>
      )}
    </div>
  );
}
