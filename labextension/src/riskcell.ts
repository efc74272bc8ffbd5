/**
 * A risk as the cell that states it: the body of a `%%risk` cell, or a YAML block of a markdown cell tagged `risk`. The
 * notebook is the source: the form reads what a cell says and writes it there again.
 *
 * Writing keeps what the form does not know: other fields, comments and their order, and all text around the YAML.
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

/** What is asked of a cell; `tags` are those of its metadata. */
export interface IRiskSource {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly tags: readonly unknown[];
}

/** A risk where a cell states it. */
export interface IStatedRisk {
  readonly id: string;
  readonly yaml: string;
  /** The cell's text with other YAML in that place. */
  readonly write: (yaml: string) => string;
}

const HEADER = /^\s*%%risk[ \t]+(\S+)[^\n]*(?:\n|$)/;
/** A fenced block; one that is not closed goes on to the end of the cell. */
const BLOCK =
  /^ {0,3}(`{3,}|~{3,})[ \t]*\{?\.?ya?ml\b[^\n]*\n([\s\S]*?)(?:^ {0,3}\1[`~]*[ \t]*$|(?![\s\S]))/gim;
const HEADING = /^#{1,6}[ \t]+(.*?)[ \t#]*$/m;
const ID_LINE = /^id[ \t]*:[ \t]*(['"]?)(.*?)\1[ \t]*(?:#.*)?$/m;

/** The risks that a cell states: one in a `%%risk` cell, one in each YAML block of a tagged markdown cell. */
export function risksOf(cell: IRiskSource): readonly IStatedRisk[] {
  if (cell.type === 'markdown') {
    return cell.tags.includes('risk') && !cell.tags.includes('charter') ? inMarkdown(cell) : [];
  }
  const header = cell.type === 'code' ? HEADER.exec(cell.source) : null;
  if (header === null) {
    return [];
  }
  const first = header[0].replace(/\n$/, '');
  return [
    {
      id: header[1] ?? '',
      yaml: cell.source.slice(header[0].length),
      write: yaml => `${first}\n${yaml}`
    }
  ];
}

function inMarkdown(cell: IRiskSource): readonly IStatedRisk[] {
  const { source } = cell;
  return Array.from(source.matchAll(BLOCK), block => {
    const yaml = block[2] ?? '';
    const start = block.index + block[0].indexOf('\n') + 1;
    const opening = source.slice(block.index, start);
    const after = source.slice(start + yaml.length);
    return {
      id: ID_LINE.exec(yaml)?.[2]?.trim() || slugOf(source) || cell.id,
      yaml,
      write: written => {
        const fence = fenceAround(written, block[1] ?? '```');
        const open = opening.replace(/[`~]+/, fence);
        const close = after.replace(/^( {0,3})[`~]+/, `$1${fence}`);
        const end = after === '' && !yaml.endsWith('\n') ? '' : '\n';
        return `${source.slice(0, block.index)}${open}${written}${end}${close}`;
      }
    };
  });
}

/** A fence that no line of the text closes. */
function fenceAround(text: string, fence: string): string {
  const runs = Array.from(text.matchAll(/^ {0,3}(`{3,}|~{3,})/gm), found => found[1] ?? '');
  const longest = Math.max(0, ...runs.filter(run => run[0] === fence[0]).map(run => run.length));
  return longest < fence.length ? fence : (fence[0] ?? '`').repeat(longest + 1);
}

/** The id that a heading gives, as the kernel makes it: `## Risk: thin data` is `thin-data`. */
function slugOf(source: string): string {
  const heading = (HEADING.exec(source)?.[1] ?? '').replace(/^risk\b[\s:–—-]*/i, '');
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_.]+/gu, '-')
    .replace(/^[-_.]+|[-_.]+$/g, '')
    .slice(0, 100);
}

/** The cell of a new risk. */
export function newRiskCell(id: string, yaml: string): string {
  return `%%risk ${id}\n${yaml}`;
}

/** Why an id cannot be one, or null. */
export function isRiskId(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,99}$/u.test(text);
}

/** What the YAML of a risk says; null where it cannot be read. */
export function readRisk(yaml: string): RiskValues | null {
  const body = bodyOf(yaml);
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

/** Whether a field holds more than one value, which the form does not edit. */
export function isNested(yaml: string, field: Field): boolean {
  const value: unknown = bodyOf(yaml)?.get(field);
  return typeof value === 'object' && value !== null;
}

/** The YAML that states the risk; `old` is what it replaces, if there is something. */
export function writeRisk(values: RiskValues, old?: string): string {
  const known = old === undefined ? null : bodyOf(old);
  const body = known !== null && isMap(known.contents) ? known : new Document({});
  for (const field of FIELDS) {
    const value = (values[field] ?? '').trim();
    const before: unknown = body.get(field);
    if (before !== undefined && before !== null && !isScalar(before)) {
      continue;
    }
    if (field === 'status' && value === 'open' && old !== undefined && before === undefined) {
      continue; // that is what a cell says that says nothing
    }
    if (value === '') {
      body.delete(field);
    } else if (!isScalar(before) || String(before) !== value) {
      body.set(field, value);
    }
  }
  return body.toString({ lineWidth: 0 }).trimEnd();
}

/** The whole of a risk as `yaml` states it, in the form that `old` has: its comments, its order and its `id` stay. */
export function restateRisk(yaml: string, old: string): string {
  const [wanted, body] = [bodyOf(yaml), bodyOf(old)];
  if (wanted === null || body === null || !isMap(wanted.contents) || !isMap(body.contents)) {
    return yaml.trimEnd();
  }
  const fields = wanted.toJS() as Record<string, unknown>;
  const before = body.toJS() as Record<string, unknown>;
  for (const field of Object.keys(before)) {
    if (!(field in fields) && field !== 'id') {
      body.delete(field);
    }
  }
  for (const [field, value] of Object.entries(fields)) {
    if (!isSame(value, before[field])) {
      body.set(field, value);
    }
  }
  return body.toString({ lineWidth: 0 }).trimEnd();
}

function isSame(one: unknown, other: unknown): boolean {
  return isScalar(one) && isScalar(other)
    ? String(one).trim() === String(other).trim()
    : JSON.stringify(one) === JSON.stringify(other);
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function bodyOf(yaml: string): Document.Parsed | Document | null {
  const body = parseDocument(yaml);
  return body.errors.length > 0 ? null : body;
}
