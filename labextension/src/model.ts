/**
 * What the sidebar shows. The one place that changes it; `stateChanged` fires after every change.
 *
 * Answers that come late (the user has moved on to another notebook) are dropped: every refresh has a turn, and only
 * the newest may write.
 */
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import type { ICard, IJob, ILiveCell, ISnapshot, IStanding } from './documents';
import { JobFollowing } from './following';
import type { IRetrainWish } from './lifedocuments';
import { lineOf, RequestError, type Requests } from './requests';
import { PAGE, Rows, rowsOf } from './rows';
import {
  EMPTY,
  isList,
  type IState,
  knowsJob,
  NOTHING,
  type View,
  withJobs,
  withoutJob
} from './state';

/** What was read of an opened snapshot, and for which. */
interface IOpened {
  readonly selected: string;
  readonly notebook: string | null;
  readonly change: Partial<IState>;
}

export class SidebarModel implements IDisposable {
  constructor(private readonly requests: Requests) {
    this.later = new Debouncer(() => this.refresh(), 400);
    this.lookLater = new Debouncer(() => this.look(), 600);
    this.searchLater = new Debouncer(() => this.rows.read(), 250);
    this.rows = new Rows(requests, {
      state: () => this._state,
      writer: () => {
        const turn = this.turn;
        return change => {
          this.setIn(turn, change);
        };
      }
    });
    this.following = new JobFollowing(requests, {
      progress: job => {
        const back = this.unreachable !== null && this._state.error === this.unreachable;
        this.unreachable = null;
        this.set({ ...withJobs(this._state, [job]), ...(back ? { error: null } : {}) });
      },
      waiting: error => {
        this.unreachable = error;
        this.set({ error });
      },
      ended: async job => {
        await this.refresh();
        if (knowsJob(this._state, job)) {
          this.set(withJobs(this._state, [job]));
        }
      },
      lost: async (job, error) => {
        this.set(withoutJob(this._state, job));
        await this.refresh();
        this.set({ error });
      }
    });
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
    this.lookLater.dispose();
    this.searchLater.dispose();
    this.following.dispose();
    Signal.clearData(this);
  }

  /** Shows another notebook, or none. `cells` gives its cells as the editor has them. */
  open(notebook: string | null, cells: (() => readonly ILiveCell[]) | null = null): void {
    this.cells = cells;
    if (notebook === this._state.notebook && this._state.loaded) {
      return;
    }
    const { view, query, jobs, retrains, doing } = this._state;
    this.set({ ...EMPTY, notebook, view, query, jobs, retrains, doing });
    void this.refresh();
  }

  show(view: View): void {
    if (view !== this._state.view) {
      this.rows.restart();
      this.set({ view, rows: new Map(), total: 0, loaded: false });
      void this.refresh();
    }
  }

  /** Narrows the project's list. */
  search(query: string): void {
    this.set({ query });
    this.searchLater.invoke().catch(() => undefined);
  }

  /** Shows those snapshots of the project that a search selects. */
  find(query: string): void {
    this.set({ query, selected: null, detail: null, gate: null });
    this.show('project');
  }

  /** Marks a snapshot for comparison, or takes the mark back. The older of two marks makes room for a third. */
  choose(card: ICard): void {
    const { chosen } = this._state;
    const others = chosen.filter(one => one.id !== card.id);
    this.set({ chosen: others.length < chosen.length ? others : [...others, card].slice(-2) });
  }

  forgetChosen(): void {
    this.set({ chosen: [] });
  }

  /** Asks again soon: several calls are one. */
  refreshSoon(): void {
    this.later.invoke().catch(() => undefined);
  }

  /** The user is typing in the notebook: says soon how its cells stand now. */
  lookSoon(): void {
    this.lookLater.invoke().catch(() => undefined);
  }

  /** A cell has run that somebody else may have sent: the first one that records makes the project. */
  noticeRun(): void {
    if (this._state.project?.exists === true) {
      this.hasRun = true;
      this.lookSoon();
    } else {
      this.refreshSoon();
    }
  }

  async refresh(): Promise<void> {
    const turn = ++this.turn;
    const { notebook, view } = this._state;
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
      // The list is drawn as soon as it is there, whatever else is on the way.
      const listed = isList(view) && view !== 'notebook' ? this.rows.read() : null;
      const [recent, jobs, models, risks, life, opened] = await Promise.all([
        notebook === null ? null : this.requests.snapshots(path, 'notebook', PAGE, 0),
        this.requests.jobs(),
        view === 'models' ? this.requests.models(path) : null,
        view === 'risks' ? this.requests.risks(path) : null,
        view === 'life' ? this.readLife(path) : null,
        this.readOpened()
      ]);
      const first = recent?.snapshots[0];
      const newest = first ? await this.requests.snapshot(path, first.id) : null;
      // In one change: a verdict never stands beside a gate that does not know it yet.
      this.setIn(turn, {
        project,
        error: null,
        recent: recent?.snapshots ?? [],
        newest,
        ...withJobs(this._state, jobs),
        ...(models === null ? {} : { models }),
        ...(risks === null ? {} : { risks }),
        ...life,
        ...(view === 'notebook' && recent
          ? { rows: rowsOf(recent.snapshots, 0), total: recent.total }
          : {}),
        ...this.ifStillOpen(opened)
      });
      this.following.followAll(jobs);
      // A search that cannot be read is an error of its own, beside all that could be.
      this.setIn(turn, { loaded: true, error: await listed });
      this.rows.askAgain();
      await this.look();
    } catch (error) {
      this.setIn(turn, { loaded: true, error: lineOf(error) });
    }
  }

  private async readLife(path: string): Promise<Partial<IState>> {
    const [releases, monitors, retrainings] = await Promise.all([
      this.requests.releases(path),
      this.requests.monitors(path),
      this.requests.retrainings(path)
    ]);
    return { releases, monitors, retrainings };
  }

  /** The rows from `first` up to `last` are about to be seen. */
  need(first: number, last: number): void {
    this.rows.need(first, last);
  }

  /** Asks how the cells in the editor stand to the newest snapshots. */
  private async look(): Promise<void> {
    const { notebook, project } = this._state;
    if (notebook === null || this.cells === null || project?.exists !== true) {
      return;
    }
    try {
      const standing = await this.requests.standing(notebook, this.cells());
      if (this._state.notebook === notebook) {
        this.set({ standing });
        if (this.hasRun) {
          this.hasRun = false;
          this.noticeNew(standing);
        }
      }
    } catch {
      // The marks stay as they are: the next refresh tells what is wrong.
    }
  }

  /** Others record too: whoever works in the same notebook, a console, a run from the command line. */
  private noticeNew({ experiments }: IStanding): void {
    const known = new Set(this._state.recent.map(card => card.id));
    for (const { snapshot } of experiments) {
      if (snapshot !== null && !known.has(snapshot) && !this.noticed.has(snapshot)) {
        this.noticed.add(snapshot);
        this.refreshSoon();
      }
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

  /** Retrains a release; the progress appears in `state.retrains`. */
  async retrain(wish: IRetrainWish): Promise<void> {
    try {
      this.takeJobs([await this.requests.retrain(this._state.notebook ?? '', wish)]);
      this.set({ error: null });
    } catch (error) {
      this.set({ error: lineOf(error) });
    }
  }

  /** Does what takes a while and shows that it is going on; what goes wrong is one line in the panel. */
  async busy(what: string, work: () => Promise<void>): Promise<void> {
    this.set({ doing: what, error: null });
    try {
      await work();
    } catch (error) {
      this.set({ error: lineOf(error) });
    } finally {
      this.set({ doing: null });
    }
  }

  tell(error: string): void {
    this.set({ error });
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

  /** A card of the list or the newest snapshot, by its id. */
  known(id: string): ICard | ISnapshot | undefined {
    const { detail, newest, recent, rows, chosen } = this._state;
    return [detail, newest, ...chosen, ...recent, ...rows.values()]
      .filter(card => card !== null)
      .find(card => card.id === id);
  }

  dismissError(): void {
    this.set({ error: null });
  }

  private async loadDetail(): Promise<void> {
    this.set(this.ifStillOpen(await this.readOpened()));
  }

  /** The snapshot that is opened and its gate, or why they cannot be read. */
  private async readOpened(): Promise<IOpened | null> {
    const { selected, notebook } = this._state;
    if (selected === null) {
      return null;
    }
    const path = notebook ?? '';
    try {
      const [detail, gate] = await Promise.all([
        this.requests.snapshot(path, selected),
        this.requests.gate(path, selected)
      ]);
      return { selected, notebook, change: { detail, gate } };
    } catch (error) {
      return { selected, notebook, change: { error: lineOf(error) } };
    }
  }

  /** What was read, unless the user has gone on to another snapshot or notebook. */
  private ifStillOpen(opened: IOpened | null): Partial<IState> {
    const { selected, notebook } = this._state;
    return opened?.selected === selected && opened.notebook === notebook ? opened.change : {};
  }

  /** Writes down jobs (newest first) and follows those that are not finished. */
  private takeJobs(jobs: readonly IJob[]): void {
    this.set(withJobs(this._state, jobs));
    this.following.followAll(jobs);
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
  private readonly lookLater: Debouncer;
  private readonly searchLater: Debouncer;
  private readonly rows: Rows;
  /** A cell has run since the list was read. */
  private hasRun = false;
  /** Snapshots that are no more among the newest, or were looked for once. */
  private readonly noticed = new Set<string>();
  private cells: (() => readonly ILiveCell[]) | null = null;
  private readonly following: JobFollowing;
  /** Why the server cannot be asked how a job stands, while it cannot. */
  private unreachable: string | null = null;
  private turn = 0;
  private _isDisposed = false;
  private _state: IState = EMPTY;
  private readonly _stateChanged = new Signal<this, void>(this);
}
