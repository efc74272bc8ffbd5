/**
 * The rows of a list of any length: those that are about to be seen are asked for, a page at a time.
 *
 * The list may have become another one when an answer comes: then the answer is dropped.
 */
import type { ICard } from './documents';
import { lineOf, type Requests } from './requests';
import { isList, type IState, type View } from './state';

/** Rows that are asked for at once. */
export const PAGE = 100;

export interface IRowsHost {
  readonly state: () => IState;
  /** A way to change the state that does nothing once another refresh has begun. */
  readonly writer: () => (change: Partial<IState>) => void;
}

export class Rows {
  constructor(
    private readonly requests: Requests,
    private readonly host: IRowsHost
  ) {}

  /** Another list: it is seen from its start. */
  restart(): void {
    this.seen = [0, 0];
  }

  /** Reads the list anew, from its start. Gives the line that says why it could not; null where it could. */
  async read(): Promise<string | null> {
    const write = this.host.writer();
    const { notebook, view, query } = this.host.state();
    if (!isList(view)) {
      return null;
    }
    this.asked.clear();
    try {
      const words = queryOf(view, query);
      const page = await this.requests.snapshots(notebook ?? '', view, PAGE, 0, words);
      if (this.host.state().query === query) {
        write({ rows: rowsOf(page.snapshots, 0), total: page.total, loaded: true });
        this.askAgain();
      }
      return null;
    } catch (error) {
      write({ error: lineOf(error) });
      return lineOf(error);
    }
  }

  /** The rows from `first` up to `last` are about to be seen: asks for those that are not known. */
  need(first: number, last: number): void {
    const { rows, total } = this.host.state();
    this.seen = [first, last];
    for (let start = first - (first % PAGE); start < Math.min(last, total); start += PAGE) {
      const whole = rows.has(start) && rows.has(Math.min(start + PAGE, total) - 1);
      if (!whole && !this.asked.has(start)) {
        this.asked.add(start);
        void this.fetch(start);
      }
    }
  }

  /** A list that was read anew starts with its first rows: those that are seen may be others. */
  askAgain(): void {
    if (isList(this.host.state().view)) {
      this.need(...this.seen);
    }
  }

  private async fetch(start: number): Promise<void> {
    const write = this.host.writer();
    const { notebook, view, query } = this.host.state();
    if (!isList(view)) {
      return;
    }
    try {
      const words = queryOf(view, query);
      const page = await this.requests.snapshots(notebook ?? '', view, PAGE, start, words);
      const now = this.host.state();
      if (now.query === query && now.view === view) {
        const rows = new Map(now.rows);
        rowsOf(page.snapshots, start).forEach((card, place) => rows.set(place, card));
        write({ rows, total: page.total });
      }
    } catch (error) {
      write({ error: lineOf(error) });
    } finally {
      this.asked.delete(start);
    }
  }

  private readonly asked = new Set<number>();
  private seen: readonly [number, number] = [0, 0];
}

export function rowsOf(cards: readonly ICard[], start: number): Map<number, ICard> {
  return new Map(cards.map((card, place) => [start + place, card]));
}

/** The notebook's own list is not searched. */
function queryOf(view: View, query: string): string {
  return view === 'project' ? query : '';
}
