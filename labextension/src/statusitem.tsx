/** The status bar's item: the newest snapshot of the open notebook, in a few words. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { SidebarModel } from './model';
import { Mark, type Tone, toneOf, verdictName } from './parts';
import type { IState } from './state';

export function statusItem(
  model: SidebarModel,
  trans: TranslationBundle,
  open: () => void
): ReactWidget {
  const item = ReactWidget.create(
    <UseSignal signal={model.stateChanged}>
      {() => {
        const { tone, text } = inWords(model.state, trans);
        return (
          <button
            type="button"
            className="jp-Mlgov-statusItem"
            title={trans.__('Show ML Governance')}
            onClick={open}
          >
            <Mark tone={tone} />
            {text}
          </button>
        );
      }}
    </UseSignal>
  );
  item.addClass('jp-Mlgov-status');
  return item;
}

function inWords(state: IState, trans: TranslationBundle): { tone: Tone; text: string } {
  const { newest, standing } = state;
  if (newest === null) {
    return { tone: 'quiet', text: trans.__('no snapshot') };
  }
  const name = `${newest.experiment} #${newest.number}`;
  if (standing?.experiments.some(cell => cell.state === 'changed')) {
    return { tone: 'unsure', text: trans.__('%1, changed since', name) };
  }
  const last = newest.reruns[newest.reruns.length - 1];
  return last === undefined
    ? { tone: 'unsure', text: trans.__('%1, not rerun yet', name) }
    : { tone: toneOf(last.verdict), text: `${name}, ${verdictName(last.verdict, trans)}` };
}
