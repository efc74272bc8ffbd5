/** Small pieces that all views are made of. Everything from a notebook arrives here as text and stays text. */
import { Time } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ICheck, IGate, Verdict } from './documents';

export type Tone = 'good' | 'bad' | 'unsure' | 'quiet';

const TONES: Readonly<Record<Verdict, Tone>> = {
  reproduced: 'good',
  equivalent: 'good',
  diverged: 'bad',
  failed: 'bad',
  blocked: 'unsure'
};

export function toneOf(verdict: Verdict): Tone {
  return TONES[verdict];
}

export function toneOfAnswer(answer: boolean | null | undefined): Tone {
  return answer === true ? 'good' : answer === false ? 'bad' : 'unsure';
}

/** The verdict in the user's language. */
export function verdictName(verdict: Verdict, trans: TranslationBundle): string {
  const names: Readonly<Record<Verdict, string>> = {
    reproduced: trans.__('reproduced'),
    equivalent: trans.__('equivalent'),
    diverged: trans.__('diverged'),
    failed: trans.__('failed'),
    blocked: trans.__('blocked')
  };
  return names[verdict];
}

/** A word with a coloured mark. The mark's shape says it too, for who does not see the colour. */
export function Badge(props: {
  tone: Tone;
  title?: string;
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <span className={`jp-Mlgov-badge jp-Mlgov-tone-${props.tone}`} title={props.title}>
      <Mark tone={props.tone} />
      {props.children}
    </span>
  );
}

const SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M2.6 6.4 5 8.8l4.6-5',
  bad: 'm3.2 3.2 5.6 5.6m0-5.6L3.2 8.8',
  unsure: 'M3 6h6',
  quiet: 'M6 6h.01'
};

export function Mark(props: { tone: Tone; label?: string }): React.JSX.Element {
  const named = props.label
    ? { role: 'img', 'aria-label': props.label }
    : { 'aria-hidden': true as const };
  return (
    <svg
      className={`jp-Mlgov-mark jp-Mlgov-tone-${props.tone}`}
      viewBox="0 0 12 12"
      width="12"
      height="12"
      {...named}
    >
      <path
        d={SHAPES[props.tone]}
        fill="none"
        strokeWidth={props.tone === 'quiet' ? 4.5 : 1.8}
        strokeLinecap="round"
      />
    </svg>
  );
}

export function CheckMark(props: { check: ICheck; trans: TranslationBundle }): React.JSX.Element {
  const { check, trans } = props;
  const name =
    check.passed === true
      ? trans.__('check passed')
      : check.passed === false
        ? trans.__('check failed')
        : trans.__('not checked');
  return (
    <Badge tone={toneOfAnswer(check.passed)} title={check.expression}>
      {name}
    </Badge>
  );
}

/** How long ago, with the exact time as a tooltip. */
export function Ago(props: { at: string }): React.JSX.Element {
  const date = new Date(props.at);
  if (Number.isNaN(date.getTime())) {
    return <span>{props.at}</span>;
  }
  return (
    <time dateTime={props.at} title={Time.format(date)}>
      {Time.formatHuman(date)}
    </time>
  );
}

/** A part of the detail that can be folded. */
export function Section(props: {
  title: string;
  count?: number;
  closed?: boolean;
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <details className="jp-Mlgov-section" open={!props.closed}>
      <summary>
        <span className="jp-Mlgov-sectionTitle">{props.title}</span>
        {props.count !== undefined && <span className="jp-Mlgov-count">{props.count}</span>}
      </summary>
      <div className="jp-Mlgov-sectionBody">{props.children}</div>
    </details>
  );
}

/** What a gate said, rule by rule. */
export function GateRules(props: { gate: IGate; trans: TranslationBundle }): React.JSX.Element {
  const { gate, trans } = props;
  return (
    <ul className="jp-Mlgov-rules">
      {gate.rules.map((rule, index) => (
        <li key={index}>
          <Mark
            tone={toneOfAnswer(rule.passed)}
            label={rule.passed ? trans.__('passed') : trans.__('not passed')}
          />
          <span>{rule.reason}</span>
        </li>
      ))}
    </ul>
  );
}
