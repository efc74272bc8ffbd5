/**
 * What the sidebar shows. The one place that changes it; `stateChanged` fires after every change.
 *
 * Answers that come late (the user has moved on to another notebook) are dropped: every refresh has a turn, and only
 * the newest may write.
 */
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import {
  type ICard,
  type IGate,
  type IJob,
  type IProject,
  type ISnapshot,
  isUnfinished,
  type Scope
} from './documents';
import { RequestError, type Requests } from './requests';

export interface IState {
  /** The open notebook, relative to the server's folder; null where none is open. */
  readonly notebook: string | null;
  readonly project: IProject | null;
  readonly scope: Scope;
  readonly cards: readonly ICard[];
  readonly more: boolean;
  /** The newest snapshot of the open notebook. */
  readonly newest: ICard | null;
  readonly loaded: boolean;
  readonly error: string | null;
  readonly selected: string | null;
  readonly detail: ISnapshot | null;
  readonly gate: IGate | null;
  /** The newest job of each snapshot, by the snapshot's id. */
  readonly jobs: Readonly<Record<string, IJob>>;
}

const PAGE = 50;

export class SidebarModel implements IDisposable {
  constructor(private readonly requests: Requests) {
    this.later = new Debouncer(() => this.refresh(), 400);
  }

  get state(): IState {
    return this._state;
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.later.dispose();
    this.following.forEach(controller => {
      controller.abort();
    });
    this.following.clear();
    Signal.clearData(this);
  }

  /** Shows another notebook, or none. */
  open(notebook: string | null): void {
    if (notebook === this._state.notebook && this._state.loaded) {
      return;
    }
    this.set({ ...EMPTY, notebook, scope: this._state.scope, jobs: this._state.jobs });
    void this.refresh();
  }

  show(scope: Scope): void {
    if (scope !== this._state.scope) {
      this.set({ scope, cards: [], more: false, loaded: false });
      void this.refresh();
    }
  }

  /** Asks again soon: several calls are one. */
  refreshSoon(): void {
    this.later.invoke().catch(() => undefined);
  }

  async refresh(): Promise<void> {
    const turn = ++this.turn;
    const { notebook, scope } = this._state;
    if (this._isDisposed) {
      return;
    }
    const path = notebook ?? '';
    try {
      const project = await this.requests.project(path);
      if (!project.exists) {
        this.setIn(turn, { ...NOTHING, project, loaded: true, error: null });
        return;
      }
      const length = Math.min(500, Math.max(PAGE, this._state.cards.length));
      const [page, own, jobs] = await Promise.all([
        this.requests.snapshots(path, scope, length, 0),
        notebook === null ? null : this.requests.snapshots(path, 'notebook', 1, 0),
        this.requests.jobs()
      ]);
      this.setIn(turn, {
        project,
        cards: page.snapshots,
        more: page.more,
        newest: own?.snapshots[0] ?? null,
        loaded: true,
        error: null
      });
      this.takeJobs(jobs);
      await this.loadDetail();
    } catch (error) {
      this.setIn(turn, { loaded: true, error: lineOf(error) });
    }
  }

  /** Adds the next page to the list. */
  async loadMore(): Promise<void> {
    const turn = this.turn;
    const { notebook, scope, cards } = this._state;
    try {
      const page = await this.requests.snapshots(notebook ?? '', scope, PAGE, cards.length);
      const known = new Set(cards.map(card => card.id));
      const fresh = page.snapshots.filter(card => !known.has(card.id));
      this.setIn(turn, { cards: [...cards, ...fresh], more: page.more });
    } catch (error) {
      this.setIn(turn, { error: lineOf(error) });
    }
  }

  select(id: string | null): void {
    this.set({ selected: id, detail: null, gate: null, error: null });
    void this.loadDetail();
  }

  /** Reruns a snapshot; the progress appears in `state.jobs`. */
  async rerun(id: string): Promise<void> {
    try {
      this.takeJobs([await this.requests.rerun(this._state.notebook ?? '', id)]);
      this.set({ error: null });
    } catch (error) {
      this.set({ error: lineOf(error) });
    }
  }

  async cancel(job: IJob): Promise<void> {
    try {
      this.takeJobs([await this.requests.cancel(job.id)]);
    } catch (error) {
      if (!(error instanceof RequestError && error.status === 409)) {
        this.set({ error: lineOf(error) });
      }
    }
  }

  reportUrl(id: string, download = false): string {
    return this.requests.reportUrl(this._state.notebook ?? '', { id }, download);
  }

  dismissError(): void {
    this.set({ error: null });
  }

  private async loadDetail(): Promise<void> {
    const { selected, notebook } = this._state;
    if (selected === null) {
      return;
    }
    const path = notebook ?? '';
    const current = (): boolean =>
      this._state.selected === selected && this._state.notebook === notebook;
    try {
      const [detail, gate] = await Promise.all([
        this.requests.snapshot(path, selected),
        this.requests.gate(path, selected)
      ]);
      if (current()) {
        this.set({ detail, gate });
      }
    } catch (error) {
      if (current()) {
        this.set({ error: lineOf(error) });
      }
    }
  }

  /** Writes down jobs (newest first) and follows those that are not finished. */
  private takeJobs(jobs: readonly IJob[]): void {
    const known: Record<string, IJob> = { ...this._state.jobs };
    for (const job of [...jobs].reverse()) {
      known[job.snapshot] = job;
      if (isUnfinished(job) && !this.following.has(job.id)) {
        void this.follow(job);
      }
    }
    this.set({ jobs: known });
  }

  private async follow(job: IJob): Promise<void> {
    const controller = new AbortController();
    this.following.set(job.id, controller);
    let newest = job;
    const tell = (told: IJob): void => {
      newest = told;
      this.set({ jobs: { ...this._state.jobs, [told.snapshot]: told } });
    };
    const stopped = (): boolean => controller.signal.aborted;
    while (isUnfinished(newest) && !stopped()) {
      try {
        await this.requests.follow(job.id, tell, controller.signal);
        if (isUnfinished(newest)) {
          // Something between us and the server ended the stream.
          await pause();
          tell(await this.requests.job(job.id));
        }
      } catch (error) {
        if (stopped()) {
          return;
        }
        if (error instanceof RequestError && error.status === 404) {
          // The server was started anew: the rerun ended with the old one.
          const others = Object.entries(this._state.jobs).filter(([, one]) => one.id !== job.id);
          this.set({ jobs: Object.fromEntries(others), error: error.message });
          break;
        }
        await pause();
      }
    }
    this.following.delete(job.id);
    if (!stopped()) {
      await this.refresh();
    }
  }

  private setIn(turn: number, change: Partial<IState>): void {
    if (turn === this.turn) {
      this.set(change);
    }
  }

  private set(change: Partial<IState>): void {
    if (this._isDisposed) {
      return;
    }
    this._state = { ...this._state, ...change };
    this._stateChanged.emit();
  }

  private readonly later: Debouncer;
  private readonly following = new Map<string, AbortController>();
  private turn = 0;
  private _isDisposed = false;
  private _state: IState = EMPTY;
  private readonly _stateChanged = new Signal<this, void>(this);
}

const NOTHING = { cards: [], more: false, newest: null, selected: null, detail: null, gate: null };

const EMPTY: IState = {
  ...NOTHING,
  notebook: null,
  project: null,
  scope: 'notebook',
  loaded: false,
  error: null,
  jobs: {}
};

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 2000));
}

function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
