/** The JSON documents that the server sends: those of the command line, with the same fields. */

export type Scalar = number | string | boolean | null;
export type Verdict = 'reproduced' | 'equivalent' | 'diverged' | 'failed' | 'blocked';
export type Scope = 'notebook' | 'project';
export type Change = 'same' | 'changed' | 'added' | 'removed' | 'unknown';

export interface IProject {
  readonly exists: boolean;
  readonly name: string;
  readonly notebook: string | null;
  readonly experiments: readonly string[];
  readonly snapshots: number;
  readonly version: string;
}

/** One line of the list. */
export interface ICard {
  readonly id: string;
  readonly experiment: string;
  readonly number: number | null;
  readonly created_at: string;
  readonly notebook: string;
  readonly metrics: Readonly<Record<string, Scalar>>;
  readonly status: 'ok' | 'error';
  readonly message: string;
  readonly author: string;
  readonly kpis_met: boolean | null;
  readonly verdict: Verdict | null;
  /** Those of the experiment's cell. */
  readonly tags: readonly string[];
}

export interface IPage {
  readonly snapshots: readonly ICard[];
  readonly offset: number;
  readonly more: boolean;
  readonly total: number;
}

export interface IKpi {
  readonly metric: string;
  readonly op: string;
  readonly target: number;
  readonly value?: Scalar;
  readonly met?: boolean | null;
}

export interface IInput {
  readonly uri: string;
  readonly digest: string | null;
  readonly bytes?: number | null;
  readonly rows?: number | null;
  readonly columns?: readonly { readonly name: string; readonly dtype: string }[] | null;
  readonly evidence: string;
  readonly derived?: boolean;
  readonly reason?: string | null;
}

export interface ICheck {
  readonly expression: string;
  readonly passed?: boolean | null;
  readonly error?: string | null;
  readonly terms?: readonly { readonly expression: string; readonly value: Scalar }[];
}

export type Severity = 'low' | 'medium' | 'high' | 'critical';

export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];
export const LIKELIHOODS = ['low', 'medium', 'high'] as const;
export const RISK_STATUSES = ['open', 'mitigated', 'accepted', 'closed'] as const;

export interface IRisk {
  readonly id: string;
  readonly situation: string;
  readonly severity: Severity;
  readonly likelihood: string;
  readonly status: string;
  readonly mitigation?: string | null;
  readonly check?: ICheck | null;
}

/** A risk of the project, with the newest snapshot of its experiment. */
export interface IRegisteredRisk {
  readonly experiment: string;
  readonly snapshot: string;
  readonly number: number | null;
  readonly notebook: string;
  readonly risk: IRisk;
}

export interface IFinding {
  readonly cause: string;
  readonly subject: string;
  readonly columns?: readonly string[];
  readonly cell?: number | null;
  readonly message: string;
  readonly remedy: string;
  readonly confirmed: boolean;
}

export interface IRerun {
  readonly at: string;
  readonly verdict: Verdict;
  /** What has to be known of the run: that the notebook's file was gone, say. Empty, or left out by an older server. */
  readonly caution?: string;
  readonly findings: readonly IFinding[];
}

export interface IDecision {
  readonly at: string;
  readonly name: string;
  readonly role: string;
  readonly decision: string;
  readonly message?: string;
  /** The public key whose signature holds; null where none does. */
  readonly key: string | null;
  readonly applies: boolean;
  readonly fault: string;
}

/** An answer with how good it is. */
export interface ISaid {
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'quiet';
  readonly note: string;
}

/** A model of the inventory: an experiment's newest snapshot as it stands. */
export interface IModelRow {
  readonly id: string;
  readonly reference: string;
  readonly title: string;
  readonly purpose: string;
  readonly owner: string;
  readonly gate: ISaid;
  readonly kpis: ISaid;
  readonly risks: ISaid;
  readonly rerun: ISaid;
  readonly approvals: ISaid;
  readonly recorded: string;
  /** Why it cannot be read; then nothing else is known. */
  readonly fault: string;
}

/** Who would sign a decision here. */
export interface ISigner {
  readonly name: string;
  readonly keys: readonly {
    readonly name: string;
    readonly key: string;
    readonly protection: 'none' | 'passphrase' | 'keyring';
    /** Whether the server can sign with it. */
    readonly opens: boolean;
  }[];
}

export interface IWantedDecision {
  readonly decision: 'approved' | 'rejected';
  readonly name: string;
  readonly role: string;
  readonly message: string;
  readonly key: string;
  readonly accepts: readonly string[];
}

export interface ICellRecord {
  readonly index: number;
  readonly id: string;
  readonly type: string;
}

export interface IWarning {
  readonly code: string;
  readonly message: string;
  readonly cell?: number | null;
}

/** One snapshot, whole (the fields that are shown here). */
export interface ISnapshot {
  readonly id: string;
  readonly experiment: string;
  readonly number: number | null;
  readonly created_at: string;
  readonly author?: string;
  readonly status: 'ok' | 'error';
  readonly error?: string | null;
  readonly message: string;
  readonly notebook: { readonly path: string; readonly cells: readonly ICellRecord[] };
  readonly metrics: Readonly<Record<string, Scalar>>;
  readonly parameters: Readonly<Record<string, Scalar>>;
  readonly kpis: readonly IKpi[];
  readonly inputs: readonly IInput[];
  readonly risks: readonly IRisk[];
  readonly warnings: readonly IWarning[];
  readonly code: { readonly commit?: string | null; readonly dirty?: boolean };
  readonly environment: { readonly python: string };
  readonly reruns: readonly IRerun[];
  readonly approvals: readonly IDecision[];
}

export interface IGate {
  readonly open: boolean;
  readonly rules: readonly {
    readonly rule: string;
    readonly passed: boolean;
    readonly reason: string;
  }[];
}

export interface IProgress {
  readonly stage: string;
  readonly cell: number;
  readonly cells: number;
  readonly message: string;
}

export interface IJob {
  readonly id: string;
  readonly snapshot: string;
  readonly experiment: string;
  readonly number: number | null;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly created_at: string;
  readonly elapsed_s: number;
  readonly progress: IProgress;
  readonly kind: 'rerun' | 'retrain';
  readonly comparison: {
    readonly verdict: Verdict;
    readonly caution?: string;
    readonly findings: readonly IFinding[];
  } | null;
  /** Of a retraining: `MODEL:STAGE`. */
  readonly release: string | null;
  readonly error: string | null;
}

export interface IRow {
  readonly name: string;
  readonly before: Scalar;
  readonly after: Scalar;
  readonly change: Change;
}

export interface IInputRow {
  readonly uri: string;
  readonly change: Change;
  readonly rows: readonly [number | null, number | null];
  readonly bytes: readonly [number | null, number | null];
  readonly columns: readonly {
    readonly name: string;
    readonly before: string | null;
    readonly after: string | null;
    readonly change: Change;
  }[];
}

export interface ICellRow {
  readonly change: Change;
  readonly type: string;
  readonly indices: readonly [number | null, number | null];
  readonly before: string;
  readonly after: string;
  readonly result: string | null;
  readonly note: string;
  readonly outputs: readonly [boolean, boolean];
}

export interface IHead {
  readonly id: string;
  readonly experiment: string;
  readonly number: number | null;
  readonly created_at: string;
  readonly author: string;
  readonly message: string;
  readonly commit: string | null;
  readonly python: string;
}

/** Two snapshots whole. */
export interface ISideBySide {
  readonly baseline: IHead;
  readonly candidate: IHead;
  readonly comparison: { readonly verdict: Verdict; readonly findings: readonly IFinding[] };
  readonly parameters: readonly IRow[];
  readonly metrics: readonly IRow[];
  readonly inputs: readonly IInputRow[];
  readonly cells: readonly ICellRow[];
  readonly packages: readonly IRow[];
  readonly variables: readonly IRow[];
}

/** A cell as the editor has it. */
export interface ILiveCell {
  readonly id: string;
  readonly type: string;
  readonly source: string;
}

export interface ICellChange {
  readonly kind: 'edited' | 'added' | 'removed';
  readonly id: string | null;
  readonly index: number | null;
  readonly before: string;
  readonly after: string;
}

/** How an experiment cell stands to its newest snapshot. */
export interface IExperimentCell {
  readonly experiment: string;
  readonly id: string;
  readonly state: 'current' | 'changed' | 'never';
  readonly snapshot: string | null;
  readonly number: number | null;
  readonly changes: readonly ICellChange[];
}

export interface IStanding {
  readonly experiments: readonly IExperimentCell[];
  readonly warnings: readonly {
    readonly id: string;
    readonly code: string;
    readonly message: string;
    readonly number: number | null;
  }[];
}

export function isUnfinished(job: IJob): boolean {
  return job.state === 'queued' || job.state === 'running';
}
