/**
 * What a markdown cell tagged `risk` or `charter` states, read from its YAML blocks for a card. The rules for it are the
 * kernel's and the server's; this only shows. Nothing here needs a browser.
 */
import { isMap, parseDocument } from 'yaml';

import { SEVERITIES, type Severity } from './documents';

export interface IStated {
  readonly kind: 'risk' | 'charter';
  readonly title: string;
  readonly severity: Severity | null;
  /** Severity, likelihood and status of a risk. */
  readonly badges: readonly string[];
  readonly rows: readonly { readonly name: string; readonly value: string }[];
  readonly problem: string | null;
}

const BLOCK = /^ {0,3}(`{3,}|~{3,})[ \t]*\{?\.?ya?ml\b[^\n]*\n([\s\S]*?)^ {0,3}\1[`~]*[ \t]*$/gim;
const HEADING = /^#{1,6}[ \t]+(.*?)[ \t#]*$/m;
const IN_HEAD = new Set(['id', 'title', 'severity', 'likelihood', 'status']);

/** A charter or risk for each YAML block; empty where the tags name neither. */
export function statedIn(source: string, tags: readonly unknown[]): readonly IStated[] {
  const kind = tags.includes('charter') ? 'charter' : tags.includes('risk') ? 'risk' : null;
  if (kind === null) {
    return [];
  }
  return Array.from(source.matchAll(BLOCK), block => read(kind, block[2] ?? '', source));
}

function read(kind: 'risk' | 'charter', text: string, source: string): IStated {
  const body = parseDocument(text);
  const heading = (HEADING.exec(source)?.[1] ?? '').replace(/^risk\b[\s:–—-]*/i, '');
  const error = body.errors[0];
  if (error !== undefined || !isMap(body.contents)) {
    const problem = error?.message.split('\n')[0] ?? 'it holds no fields';
    return { kind, title: heading || kind, severity: null, badges: [], rows: [], problem };
  }
  const fields = body.toJS() as Record<string, unknown>;
  const said = (name: string): string => words(fields[name]);
  const severity = SEVERITIES.find(one => one === said('severity')) ?? null;
  const badges = kind === 'risk' ? ['severity', 'likelihood', 'status'].map(said) : [];
  return {
    kind,
    title: said(kind === 'risk' ? 'id' : 'title') || heading || kind,
    severity,
    badges: badges
      .filter(badge => badge !== '')
      .map((badge, place) => (place === 1 ? `likelihood ${badge}` : badge)),
    rows: Object.entries(fields)
      .filter(([name]) => !IN_HEAD.has(name))
      .map(([name, value]) => ({ name: name.replace(/_/g, ' '), value: words(value) }))
      .filter(row => row.value !== ''),
    problem: null
  };
}

/** A value in one line. */
function words(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (Array.isArray(value)) {
    return value.map(words).join('; ');
  }
  if (value instanceof Date) {
    return value.toISOString().slice(0, 10);
  }
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${words(one)}`)
      .join(', ');
  }
  return typeof value === 'string' ? value.trim() : JSON.stringify(value);
}
