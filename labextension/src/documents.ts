/** The JSON documents that the server sends: those of the command line, with the same fields. */

export type Scalar = number | string | boolean | null;
export type Verdict = 'reproduced' | 'equivalent' | 'diverged' | 'failed' | 'blocked';
export type Scope = 'notebook' | 'project';

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
  readonly kpis_met: boolean | null;
  readonly verdict: Verdict | null;
}

export interface IPage {
  readonly snapshots: readonly ICard[];
  readonly more: boolean;
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

export interface IRisk {
  readonly id: string;
  readonly situation: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  readonly likelihood: string;
  readonly status: string;
  readonly mitigation?: string | null;
  readonly check?: ICheck | null;
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
  readonly findings: readonly IFinding[];
}

export interface IWarning {
  readonly code: string;
  readonly message: string;
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
  readonly notebook: { readonly path: string };
  readonly metrics: Readonly<Record<string, Scalar>>;
  readonly parameters: Readonly<Record<string, Scalar>>;
  readonly kpis: readonly IKpi[];
  readonly inputs: readonly IInput[];
  readonly risks: readonly IRisk[];
  readonly warnings: readonly IWarning[];
  readonly code: { readonly commit?: string | null; readonly dirty?: boolean };
  readonly environment: { readonly python: string };
  readonly reruns: readonly IRerun[];
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
  readonly comparison: {
    readonly verdict: Verdict;
    readonly findings: readonly IFinding[];
  } | null;
  readonly error: string | null;
}

export function isUnfinished(job: IJob): boolean {
  return job.state === 'queued' || job.state === 'running';
}
