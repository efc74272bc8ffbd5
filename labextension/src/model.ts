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
  type ILiveCell,
  type IMonitored,
  type IProject,
  type IRegisteredRisk,
  type IReleasedModel,
  type IRetraining,
  type IRetrainWish,
  type ISnapshot,
  type IStanding,
  isUnfinished,
  type Scope
} from './documents';
import { RequestError, type Requests } from './requests';

export type View = Scope | 'risks' | 'life';

function isList(view: View): view is Scope {
  return view === 'notebook' || view === 'project';
}

export interface IState {
  /** The open notebook, relative to the server's folder; null where none is open. */
  readonly notebook: string | null;
  readonly project: IProject | null;
  readonly view: View;
  /** The search of the project's list. */
  readonly query: string;
  /** How many snapshots the list has; those that are known, by their place in it. */
  readonly total: number;
  readonly rows: ReadonlyMap<number, ICard>;
  /** The newest snapshots of the open notebook, newest first. */
  readonly recent: readonly ICard[];
  /** The newest of them, whole. */
  readonly newest: ISnapshot | null;
  /** How the cells in the editor stand to the newest snapshots; null where that is not known. */
  readonly standing: IStanding | null;
  /** At most two snapshots, to be compared. */
  readonly chosen: readonly ICard[];
  readonly risks: readonly IRegisteredRisk[] | null;
  readonly releases: readonly IReleasedModel[] | null;
  /** What the newest monitor run of each model and stage found. */
  readonly monitors: readonly IMonitored[];
  readonly retrainings: readonly IRetraining[];
  readonly loaded: boolean;
  readonly error: string | null;
  /** What goes on right now, in a few words: a snapshot is taken, a decision signed. */
  readonly doing: string | null;
  readonly selected: string | null;
  readonly detail: ISnapshot | null;
  readonly gate: IGate | null;
  /** The newest rerun of each snapshot, by the snapshot's id. */
  readonly jobs: Readonly<Record<string, IJob>>;
  /** The newest retraining of each release, by `retrainKey`. */
  readonly retrains: Readonly<Record<string, IJob>>;
}

/** What was read of an opened snapshot, and for which. */
interface IOpened {
  readonly selected: string;
  readonly notebook: string | null;
  readonly change: Partial<IState>;
}

/** What a retraining is known by: other projects on the server may have a model and stage of the same names. */
export function retrainKey(release: string, snapshot: string): string {
  return `${release} ${snapshot}`;
}

/** Rows that are asked for at once. */
const PAGE = 100;

export class SidebarModel implements IDisposable {
  constructor(private readonly requests: Requests) {
    this.later = new Debouncer(() => this.refresh(), 400);
    this.lookLater = new Debouncer(() => this.look(), 600);
    this.searchLater = new Debouncer(() => this.list(), 250);
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
    this.following.forEach(controller => {
      controller.abort();
    });
    this.following.clear();
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
      this.seen = [0, 0];
      this.set({ view, rows: new Map(), total: 0, loaded: false });
      void this.refresh();
    }
  }

  /** Narrows the project's list. */
  search(query: string): void {
    this.set({ query });
    this.searchLater.invoke().catch(() => undefined);
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
      const listed = isList(view) && view !== 'notebook' ? this.list() : null;
      const [recent, jobs, risks, life, opened] = await Promise.all([
        notebook === null ? null : this.requests.snapshots(path, 'notebook', PAGE, 0),
        this.requests.jobs(),
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
        ...this.withJobs(jobs),
        ...(risks === null ? {} : { risks }),
        ...life,
        ...(view === 'notebook' && recent
          ? { rows: rowsOf(recent.snapshots, 0), total: recent.total }
          : {}),
        ...this.ifStillOpen(opened)
      });
      this.followAll(jobs);
      await listed;
      this.setIn(turn, { loaded: true });
      this.askAgain();
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

  /** Reads the list anew, from its start. */
  private async list(): Promise<void> {
    const turn = this.turn;
    const { notebook, view, query } = this._state;
    if (!isList(view)) {
      return;
    }
    this.asked.clear();
    try {
      const page = await this.requests.snapshots(
        notebook ?? '',
        view,
        PAGE,
        0,
        queryOf(view, query)
      );
      if (this._state.query === query) {
        this.setIn(turn, { rows: rowsOf(page.snapshots, 0), total: page.total, loaded: true });
        this.askAgain();
      }
    } catch (error) {
      this.setIn(turn, { error: lineOf(error) });
    }
  }

  /** The rows from `first` up to `last` are about to be seen: asks for those that are not known. */
  need(first: number, last: number): void {
    const { rows, total } = this._state;
    this.seen = [first, last];
    for (let start = first - (first % PAGE); start < Math.min(last, total); start += PAGE) {
      const whole = rows.has(start) && rows.has(Math.min(start + PAGE, total) - 1);
      if (!whole && !this.asked.has(start)) {
        this.asked.add(start);
        void this.fetchRows(start);
      }
    }
  }

  /** A list that was read anew starts with its first rows: those that are seen may be others. */
  private askAgain(): void {
    if (isList(this._state.view)) {
      this.need(...this.seen);
    }
  }

  private async fetchRows(start: number): Promise<void> {
    const turn = this.turn;
    const { notebook, view, query } = this._state;
    if (!isList(view)) {
      return;
    }
    try {
      const path = notebook ?? '';
      const page = await this.requests.snapshots(path, view, PAGE, start, queryOf(view, query));
      if (this._state.query === query && this._state.view === view) {
        const rows = new Map(this._state.rows);
        rowsOf(page.snapshots, start).forEach((card, place) => rows.set(place, card));
        this.setIn(turn, { rows, total: page.total });
      }
    } catch (error) {
      this.setIn(turn, { error: lineOf(error) });
    } finally {
      this.asked.delete(start);
    }
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
      }
    } catch {
      // The marks stay as they are: the next refresh tells what is wrong.
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
    this.set(this.withJobs(jobs));
    this.followAll(jobs);
  }

  private withJobs(jobs: readonly IJob[]): Pick<IState, 'jobs' | 'retrains'> {
    const known = { jobs: { ...this._state.jobs }, retrains: { ...this._state.retrains } };
    for (const job of [...jobs].reverse()) {
      if (job.kind === 'retrain') {
        known.retrains[retrainKey(job.release ?? '', job.snapshot)] = job;
      } else {
        known.jobs[job.snapshot] = job;
      }
    }
    return known;
  }

  private withoutJob(job: IJob): Pick<IState, 'jobs' | 'retrains'> {
    const rest = (jobs: IState['jobs']): IState['jobs'] =>
      Object.fromEntries(Object.entries(jobs).filter(([, one]) => one.id !== job.id));
    return { jobs: rest(this._state.jobs), retrains: rest(this._state.retrains) };
  }

  private knows(job: IJob): boolean {
    const { jobs, retrains } = this._state;
    return [...Object.values(jobs), ...Object.values(retrains)].some(one => one.id === job.id);
  }

  private followAll(jobs: readonly IJob[]): void {
    for (const job of jobs) {
      if (isUnfinished(job) && !this.following.has(job.id)) {
        void this.follow(job);
      }
    }
  }

  private async follow(job: IJob): Promise<void> {
    const controller = new AbortController();
    this.following.set(job.id, controller);
    let newest = job;
    const tell = (told: IJob): void => {
      newest = told;
      // How it ended is told together with what it changed in the record: by the refresh below.
      if (isUnfinished(told)) {
        this.set(this.withJobs([told]));
      }
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
          this.set({ ...this.withoutJob(job), error: error.message });
          break;
        }
        await pause();
      }
    }
    this.following.delete(job.id);
    if (!stopped()) {
      await this.refresh();
      if (this.knows(newest)) {
        this.set(this.withJobs([newest]));
      }
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
  private readonly lookLater: Debouncer;
  private readonly searchLater: Debouncer;
  private readonly asked = new Set<number>();
  private seen: readonly [number, number] = [0, 0];
  private cells: (() => readonly ILiveCell[]) | null = null;
  private readonly following = new Map<string, AbortController>();
  private turn = 0;
  private _isDisposed = false;
  private _state: IState = EMPTY;
  private readonly _stateChanged = new Signal<this, void>(this);
}

const NOTHING = {
  total: 0,
  rows: new Map<number, ICard>(),
  recent: [],
  newest: null,
  standing: null,
  chosen: [],
  risks: null,
  releases: null,
  monitors: [],
  retrainings: [],
  selected: null,
  detail: null,
  gate: null
};

const EMPTY: IState = {
  ...NOTHING,
  notebook: null,
  project: null,
  view: 'notebook',
  query: '',
  loaded: false,
  error: null,
  doing: null,
  jobs: {},
  retrains: {}
};

function rowsOf(cards: readonly ICard[], start: number): Map<number, ICard> {
  return new Map(cards.map((card, place) => [start + place, card]));
}

/** The notebook's own list is not searched. */
function queryOf(view: View, query: string): string {
  return view === 'project' ? query : '';
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 2000));
}

function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
