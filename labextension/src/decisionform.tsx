/** The form of a decision about a snapshot: who, as what, why, with which key. Signing is the server's. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ISigner, ISnapshot, IWantedDecision } from './documents';
import { askForm, type IFormProps } from './form';

/** Asks for a decision; null where the user cancels or there is no key that could sign it. */
export async function askForDecision(
  snapshot: ISnapshot,
  decision: 'approved' | 'rejected',
  signer: ISigner,
  trans: TranslationBundle
): Promise<IWantedDecision | null> {
  const name = `${snapshot.experiment} #${snapshot.number ?? snapshot.id.slice(0, 8)}`;
  const title =
    decision === 'approved' ? trans.__('Approve %1', name) : trans.__('Reject %1', name);
  const usable = signer.keys.filter(key => key.opens);
  const first = usable[0];
  if (first === undefined) {
    await tellHow(title, snapshot, decision, signer, trans);
    return null;
  }
  // A risk that holds the gate is accepted by name, or not at all.
  const open =
    decision === 'approved'
      ? snapshot.risks.filter(
          risk =>
            ['high', 'critical'].includes(risk.severity) &&
            !['accepted', 'closed'].includes(risk.status) &&
            risk.check?.passed !== true
        )
      : [];
  const Fields = (props: IFormProps<IWantedDecision>): React.JSX.Element => {
    const { value, set } = props;
    return (
      <>
        <p className="jp-Mlgov-quiet">
          {trans.__(
            'Signed for exactly this snapshot, with its charter and risks as they stand now.'
          )}
        </p>
        <div className="jp-Mlgov-fieldRow">
          <label>
            <span>{trans.__('Name')}</span>
            <input
              name="name"
              value={value.name}
              onChange={event => {
                set({ name: event.target.value });
              }}
            />
          </label>
          <label>
            <span>{trans.__('Role')}</span>
            <input
              name="role"
              list="jp-mlgov-roles"
              value={value.role}
              placeholder="validator"
              onChange={event => {
                set({ role: event.target.value });
              }}
            />
            <datalist id="jp-mlgov-roles">
              {['validator', 'model owner', 'risk owner', 'auditor'].map(role => (
                <option key={role} value={role} />
              ))}
            </datalist>
          </label>
        </div>
        <label>
          <span>{trans.__('Reason')}</span>
          <textarea
            name="message"
            rows={3}
            value={value.message}
            placeholder={trans.__('What was looked at, and under which conditions this holds')}
            onChange={event => {
              set({ message: event.target.value });
            }}
          />
        </label>
        {open.map(risk => (
          <label key={risk.id} className="jp-Mlgov-checkField">
            <input
              type="checkbox"
              checked={value.accepts.includes(risk.id)}
              onChange={event => {
                const others = value.accepts.filter(id => id !== risk.id);
                set({ accepts: event.target.checked ? [...others, risk.id] : others });
              }}
            />
            <span>{trans.__('Accept the risk %1 (%2)', risk.id, risk.severity)}</span>
          </label>
        ))}
        <label>
          <span>{trans.__('Signing key')}</span>
          <select
            name="key"
            value={value.key}
            onChange={event => {
              set({ key: event.target.value });
            }}
          >
            {usable.map(key => (
              <option key={key.name} value={key.name}>
                {`${key.name} · ${key.key.slice(0, 20)}…`}
              </option>
            ))}
          </select>
        </label>
      </>
    );
  };
  return askForm<IWantedDecision>({
    title,
    value: {
      decision,
      name: signer.name,
      role: '',
      message: '',
      key: usable.find(key => key.name === 'default')?.name ?? first.name,
      accepts: []
    },
    isComplete,
    Fields,
    focus: '[name="role"]',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      decision === 'approved'
        ? Dialog.okButton({ label: trans.__('Sign the approval') })
        : Dialog.warnButton({ label: trans.__('Sign the rejection') })
    ]
  });
}

function isComplete(value: IWantedDecision): boolean {
  return [value.name, value.role, value.message].every(text => text.trim() !== '');
}

/** No key can sign here: how to make one, or where to sign with the one that there is. */
async function tellHow(
  title: string,
  snapshot: ISnapshot,
  decision: 'approved' | 'rejected',
  signer: ISigner,
  trans: TranslationBundle
): Promise<void> {
  const reference =
    snapshot.number === null
      ? snapshot.id.slice(0, 12)
      : `${snapshot.experiment}@${snapshot.number}`;
  const reject = decision === 'rejected' ? ' --reject' : '';
  const command = `mlgov approve ${reference} --as "${signer.name.replace(/["\\$`]/g, '')}" --role validator${reject} -m "why"`;
  const none = signer.keys.length === 0;
  const body = ReactWidget.create(
    <div className="jp-Mlgov-fields">
      <p>
        {none
          ? trans.__(
              'A decision is signed, and you have no signing key yet. Make one in a terminal:'
            )
          : trans.__(
              'Your key has a passphrase, and that is never sent through the browser. Sign in a terminal:'
            )}
      </p>
      <pre className="jp-Mlgov-command" tabIndex={0} aria-label={trans.__('Command')}>
        {none ? 'mlgov key new' : command}
      </pre>
      <p className="jp-Mlgov-quiet">
        {none
          ? trans.__(
              'It is kept in your own configuration folder, never in a project. With --passphrase it signs in a terminal only; with --keyring the system keeps the passphrase, and it signs here too.'
            )
          : trans.__('What was signed appears here after a refresh.')}
      </p>
    </div>
  );
  await showDialog({
    title,
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
