/**
 * What differs between two texts, line by line, and within a line word by word.
 *
 * The fewest lines are called changed (Myers' greedy algorithm); lines that stand against each other in a change are
 * paired so that they can be shown side by side. Nothing here knows the page.
 */

export type Piece = readonly [text: string, changed: boolean];

/** One line of a side-by-side view; a side is null where the other has no counterpart. */
export interface IDiffLine {
  readonly kind: 'same' | 'changed' | 'added' | 'removed';
  readonly before: { readonly number: number; readonly pieces: readonly Piece[] } | null;
  readonly after: { readonly number: number; readonly pieces: readonly Piece[] } | null;
}

type Step = 'same' | 'removed' | 'added';

/** Beyond so many differing lines the search stops: both texts are shown as replaced. */
const FARTHEST = 500;

export function diffLines(before: string, after: string): IDiffLine[] {
  const left = linesOf(before);
  const right = linesOf(after);
  const lines: IDiffLine[] = [];
  let removed: number[] = [];
  let added: number[] = [];
  const flush = (): void => {
    const paired = Math.min(removed.length, added.length);
    for (let index = 0; index < Math.max(removed.length, added.length); index += 1) {
      const one = removed[index];
      const other = added[index];
      const texts = [one === undefined ? '' : left[one], other === undefined ? '' : right[other]];
      const [pieces, others] =
        index < paired
          ? diffWords(texts[0] ?? '', texts[1] ?? '')
          : [[[texts[0] ?? '', false] as const], [[texts[1] ?? '', false] as const]];
      lines.push({
        kind: index < paired ? 'changed' : one === undefined ? 'added' : 'removed',
        before: one === undefined ? null : { number: one + 1, pieces },
        after: other === undefined ? null : { number: other + 1, pieces: others }
      });
    }
    removed = [];
    added = [];
  };
  let one = 0;
  let other = 0;
  for (const step of steps(left, right)) {
    if (step === 'removed') {
      removed.push(one++);
    } else if (step === 'added') {
      added.push(other++);
    } else {
      flush();
      lines.push({
        kind: 'same',
        before: { number: one + 1, pieces: [[left[one++] ?? '', false]] },
        after: { number: other + 1, pieces: [[right[other++] ?? '', false]] }
      });
    }
  }
  flush();
  return lines;
}

/** The pieces of both lines; those that the other does not have are marked. */
export function diffWords(before: string, after: string): [Piece[], Piece[]] {
  const [left, right] = [wordsOf(before), wordsOf(after)];
  const pieces: [Piece[], Piece[]] = [[], []];
  const counts: [number, number] = [0, 0];
  let same = 0;
  for (const step of steps(left, right)) {
    if (step !== 'added') {
      push(pieces[0], left[counts[0]++] ?? '', step === 'removed');
    }
    if (step !== 'removed') {
      const word = right[counts[1]++] ?? '';
      push(pieces[1], word, step === 'added');
      same += step === 'same' ? word.trim().length : 0;
    }
  }
  // Lines with next to nothing in common are two lines, not one that was edited: marking words would only confuse.
  const shorter = Math.min(before.trim().length, after.trim().length);
  return same * 3 >= shorter ? pieces : [[[before, false]], [[after, false]]];
}

function push(pieces: Piece[], text: string, changed: boolean): void {
  const last = pieces[pieces.length - 1];
  if (last && last[1] === changed) {
    pieces[pieces.length - 1] = [last[0] + text, changed];
  } else {
    pieces.push([text, changed]);
  }
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n');
}

function wordsOf(line: string): string[] {
  return line.match(/\s+|[\p{L}\p{N}_.]+|[^\s\p{L}\p{N}_.]/gu) ?? [];
}

/** The shortest way from `left` to `right`, by Myers. */
function steps(left: readonly string[], right: readonly string[]): Step[] {
  const [n, m] = [left.length, right.length];
  const farthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let d = 0; d <= Math.min(n + m, FARTHEST); d += 1) {
    trace.push(new Map(farthest));
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(farthest, k, d) ? at(farthest, k + 1) : at(farthest, k - 1) + 1;
      while (x < n && x - k < m && left[x] === right[x - k]) {
        x += 1;
      }
      farthest.set(k, x);
      if (x >= n && x - k >= m) {
        return wayBack(trace, n, m);
      }
    }
  }
  return [...left.map((): Step => 'removed'), ...right.map((): Step => 'added')];
}

function wayBack(trace: readonly Map<number, number>[], n: number, m: number): Step[] {
  const found: Step[] = [];
  let [x, y] = [n, m];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const farthest = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const down = goesDown(farthest, k, d);
    const from = at(farthest, down ? k + 1 : k - 1);
    const fromY = from - (down ? k + 1 : k - 1);
    while (x > from && y > fromY && x > 0 && y > 0) {
      found.push('same');
      x -= 1;
      y -= 1;
    }
    if (d > 0) {
      found.push(down ? 'added' : 'removed');
      [x, y] = [from, fromY];
    }
  }
  return found.reverse();
}

function goesDown(farthest: ReadonlyMap<number, number>, k: number, d: number): boolean {
  return k === -d || (k !== d && at(farthest, k - 1) < at(farthest, k + 1));
}

function at(farthest: ReadonlyMap<number, number>, k: number): number {
  return farthest.get(k) ?? -1;
}
