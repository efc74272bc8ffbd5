/** What the sidebar shows, as one immutable value: every change of it is a new one. */
import type {
  ICard,
  IGate,
  IJob,
  IModelRow,
  IProject,
  IRegisteredRisk,
  ISnapshot,
  IStanding,
  Scope
} from './documents';
import type { IMonitored, IReleasedModel, IRetraining } from './lifedocuments';

export type View = Scope | 'models' | 'risks' | 'life';

export function isList(view: View): view is Scope {
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
  /** The model inventory: the newest snapshot of each experiment. */
  readonly models: readonly IModelRow[] | null;
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

/** What is known of a project that is not there. */
export const NOTHING = {
  total: 0,
  rows: new Map<number, ICard>(),
  recent: [],
  newest: null,
  standing: null,
  chosen: [],
  models: null,
  risks: null,
  releases: null,
  monitors: [],
  retrainings: [],
  selected: null,
  detail: null,
  gate: null
};

export const EMPTY: IState = {
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

type KnownJobs = Pick<IState, 'jobs' | 'retrains'>;

/** What a retraining is known by: other projects on the server may have a model and stage of the same names. */
export function retrainKey(release: string, snapshot: string): string {
  return `${release} ${snapshot}`;
}

/** The known jobs with some more, which are given newest first. */
export function withJobs(state: KnownJobs, jobs: readonly IJob[]): KnownJobs {
  const known = { jobs: { ...state.jobs }, retrains: { ...state.retrains } };
  for (const job of [...jobs].reverse()) {
    if (job.kind === 'retrain') {
      known.retrains[retrainKey(job.release ?? '', job.snapshot)] = job;
    } else {
      known.jobs[job.snapshot] = job;
    }
  }
  return known;
}

export function withoutJob(state: KnownJobs, job: IJob): KnownJobs {
  const rest = (jobs: IState['jobs']): IState['jobs'] =>
    Object.fromEntries(Object.entries(jobs).filter(([, one]) => one.id !== job.id));
  return { jobs: rest(state.jobs), retrains: rest(state.retrains) };
}

export function knowsJob({ jobs, retrains }: KnownJobs, job: IJob): boolean {
  return [...Object.values(jobs), ...Object.values(retrains)].some(one => one.id === job.id);
}
