/**
 * A risk as the cell that states it. The notebook is the source: the form reads a `%%risk` cell and writes one.
 *
 * Writing keeps what the form does not know: other fields, comments and their order.
 */
import { Document, isMap, parseDocument } from 'yaml';

/** What the form asks for. Empty means that the field is left out. */
export const FIELDS = [
  'situation',
  'effect',
  'severity',
  'likelihood',
  'mitigation',
  'owner',
  'status',
  'review_by',
  'check'
] as const;

export type Field = (typeof FIELDS)[number];
export type RiskValues = Readonly<Partial<Record<Field, string>>>;

const HEADER = /^\s*%%risk[ \t]+(\S+)[^\n]*(?:\n|$)/;

/** The id that a cell's first line declares, or null where it is no `%%risk` cell. */
export function riskIdOf(source: string): string | null {
  return HEADER.exec(source)?.[1] ?? null;
}

/** Why an id cannot be one, or null. */
export function isRiskId(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,99}$/u.test(text);
}

/** What a `%%risk` cell says; null where it is none or its YAML cannot be read. */
export function readRisk(source: string): RiskValues | null {
  const body = bodyOf(source);
  if (body === null || !isMap(body.contents)) {
    return null;
  }
  const values: Partial<Record<Field, string>> = {};
  for (const field of FIELDS) {
    const value: unknown = body.get(field);
    if (isScalar(value)) {
      values[field] = String(value);
    } else if (value !== undefined && value !== null) {
      // Several values: as the cell has them, to be read and not edited.
      values[field] = String(body.get(field, true)).trim();
    }
  }
  return values;
}

/** Whether a field of the cell holds more than one value, which the form does not edit. */
export function isNested(source: string, field: Field): boolean {
  const value: unknown = bodyOf(source)?.get(field);
  return typeof value === 'object' && value !== null;
}

/** The cell that states the risk; `source` is the cell that it replaces, if there is one. */
export function writeRisk(id: string, values: RiskValues, source?: string): string {
  const known = source === undefined ? null : bodyOf(source);
  const body = known !== null && isMap(known.contents) ? known : new Document({});
  for (const field of FIELDS) {
    const value = (values[field] ?? '').trim();
    const old: unknown = body.get(field);
    if (old !== undefined && old !== null && !isScalar(old)) {
      continue;
    }
    if (value === '') {
      body.delete(field);
    } else if (!isScalar(old) || String(old) !== value) {
      body.set(field, value);
    }
  }
  const header = source === undefined ? null : (HEADER.exec(source)?.[0] ?? null);
  const first = header === null ? `%%risk ${id}` : header.replace(/\n$/, '');
  return `${first}\n${body.toString({ lineWidth: 0 }).trimEnd()}`;
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function bodyOf(source: string): Document.Parsed | Document | null {
  const header = HEADER.exec(source);
  if (header === null) {
    return null;
  }
  const body = parseDocument(source.slice(header[0].length));
  return body.errors.length > 0 ? null : body;
}
