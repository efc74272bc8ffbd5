/**
 * *Snapshot now*: records the notebook as it stands, without running a cell.
 *
 * The kernel knows what the cells gave, so it is asked first, silently and with the notebook as the editor has it. Where
 * there is none, or one that is not Python's, the server records text and outputs alone, and the snapshot says so.
 */
import { Dialog } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { KernelMessage } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSONObject } from '@lumino/coreutils';
import * as React from 'react';

import { fileName } from './format';
import { askForm, type IFormProps } from './form';
import { describe, experimentOf } from './notebook';
import type { Requests } from './requests';
import { liveCells } from './where';

interface IWish {
  readonly experiment: string;
  readonly message: string;
}

export interface ITaken {
  readonly id: string;
  /** What could not be recorded, one line each. */
  readonly lost: readonly string[];
}

/** Asks what to call the snapshot; null where the user cancels. */
export async function askForSnapshot(
  panel: NotebookPanel,
  known: readonly string[],
  trans: TranslationBundle
): Promise<IWish | null> {
  const named = liveCells(panel).flatMap(cell =>
    cell.type === 'code' ? (experimentOf(cell.source) ?? []) : []
  );
  const experiments = [...new Set([...named, ...known])];
  const stem = fileName(panel.context.path).replace(/\.ipynb$/, '');
  const first =
    experiments[0] ?? stem.replace(/[^\p{L}\p{N}_.-]+/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '');
  const Fields = (props: IFormProps<IWish>): React.JSX.Element => (
    <>
      <p className="jp-Mlgov-quiet">
        {trans.__('The notebook is recorded as it stands, unsaved edits included. No cell is run.')}
      </p>
      <label>
        <span>{trans.__('Experiment')}</span>
        <input
          name="experiment"
          list="jp-mlgov-experiments"
          value={props.value.experiment}
          aria-invalid={!isName(props.value.experiment)}
          onChange={event => {
            props.set({ experiment: event.target.value });
          }}
        />
        <datalist id="jp-mlgov-experiments">
          {experiments.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label>
        <span>{trans.__('Message: what is worth remembering?')}</span>
        <input
          name="message"
          value={props.value.message}
          onChange={event => {
            props.set({ message: event.target.value });
          }}
        />
      </label>
    </>
  );
  return askForm<IWish>({
    title: trans.__('Snapshot now'),
    value: { experiment: first === '' ? 'notebook' : first, message: '' },
    isComplete: wish => isName(wish.experiment),
    Fields,
    focus: '[name="message"]',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Take the snapshot') })
    ]
  });
}

function isName(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,99}$/u.test(text) && !text.endsWith('.ipynb');
}

/** Takes the snapshot. Rejects with one line for the user. */
export async function takeSnapshot(
  panel: NotebookPanel,
  path: string,
  wish: IWish,
  requests: Requests
): Promise<ITaken> {
  const told = await askKernel(panel, wish);
  if (told !== null) {
    return told;
  }
  const { id } = await requests.snapshotNow(
    path,
    panel.context.model.toJSON(),
    wish.experiment,
    wish.message
  );
  return { id, lost: [] };
}

/** Null where the kernel cannot answer: there is none, it is not Python's, or it lacks the package. */
async function askKernel(panel: NotebookPanel, wish: IWish): Promise<ITaken | null> {
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel || kernel.status === 'dead' || kernel.status === 'unknown') {
    return null;
  }
  const mlgov = describe(
    panel.context.model.sharedModel,
    panel.context.path,
    PageConfig.getOption('serverRoot')
  ) as JSONObject;
  // JSON's strings are Python's.
  const words = [wish.experiment, wish.message].map(text => JSON.stringify(text)).join(', ');
  const future = kernel.requestExecute(
    {
      code: '',
      silent: true,
      store_history: false,
      allow_stdin: false,
      user_expressions: {
        mlgov: `__import__("jupyter_mlgov.magics.kernel", fromlist=["snapshot"]).snapshot(${words})`
      }
    },
    true,
    { mlgov }
  );
  return answerOf(await future.done);
}

function answerOf(reply: KernelMessage.IExecuteReplyMsg | undefined): ITaken | null {
  const content = reply?.content;
  if (content?.status !== 'ok') {
    return null;
  }
  const value = content.user_expressions.mlgov as JSONObject | undefined;
  const data = value?.data as JSONObject | undefined;
  const told = data?.['application/json'] as JSONObject | undefined;
  if (told === undefined) {
    return null;
  }
  if (typeof told.error === 'string') {
    throw new Error(told.error);
  }
  return { id: told.id as string, lost: (told.lost as readonly string[] | undefined) ?? [] };
}
