/** The JSON documents about models at work: releases, monitors, retrainings. */
import type { IGate, Scalar } from './documents';

/** A release, and which snapshot it put on the stage. */
export interface IReleasedModel {
  readonly experiment: string;
  readonly number: number | null;
  readonly release: {
    readonly model: string;
    readonly stage: string;
    /** The model's version. */
    readonly number: number;
    readonly snapshot: string;
    readonly by: string;
    readonly at: string;
    readonly previous: number | null;
    readonly message: string;
  };
  /** What the gate said when it was released; null where that cannot be read any more. */
  readonly gate: IGate | null;
}

export type MonitorDecision = 'nothing' | 'watch' | 'retrain' | 'roll back';

/** How far a column of the rows at work is from the rows that the model was tested on. */
export interface IColumnDrift {
  readonly name: string;
  readonly role: 'feature' | 'prediction' | 'missing' | 'attribution';
  readonly measure: string;
  readonly effect: number;
  readonly threshold: number;
  readonly tell: 'drift' | 'steady' | 'unknown';
  readonly message: string;
}

/** A KPI over the rows whose outcome is known, and over stretches of them. */
export interface IKpiOverTime {
  readonly metric: string;
  readonly op: string;
  readonly target: number;
  readonly value: Scalar;
  readonly low: Scalar;
  readonly high: Scalar;
  readonly rows: number;
  readonly met: boolean | null;
  readonly sure: boolean;
  readonly message: string;
  readonly windows: readonly {
    readonly at: string | null;
    readonly rows: number;
    readonly value: Scalar;
    readonly low: Scalar;
    readonly high: Scalar;
  }[];
}

/** The newest monitor run of a model on a stage, and those before it in short. */
export interface IMonitored {
  readonly current: boolean;
  readonly monitoring: {
    readonly model: string;
    readonly stage: string;
    readonly release: number | null;
    readonly at: string;
    readonly rows: number;
    readonly outcomes: number;
    readonly decision: MonitorDecision;
    readonly reasons: readonly string[];
    readonly quality: readonly { readonly column: string; readonly message: string }[];
    readonly columns: readonly IColumnDrift[];
    readonly attributions: readonly IColumnDrift[];
    readonly concept: readonly { readonly message: string; readonly tell: string }[];
    readonly kpis: readonly IKpiOverTime[];
    readonly notes: readonly string[];
  };
  readonly runs: readonly {
    readonly at: string;
    readonly release: number | null;
    readonly decision: MonitorDecision;
    readonly rows: number;
  }[];
}

export interface IMeasured {
  readonly value: Scalar;
  readonly low: Scalar;
  readonly high: Scalar;
}

/** A retraining, with what came of it. */
export interface IRetraining {
  readonly model: string;
  readonly stage: string;
  readonly number: number;
  readonly snapshot: string | null;
  readonly reference: string;
  readonly at: string;
  readonly by: string;
  readonly source: 'predictions' | 'file';
  readonly file: string | null;
  readonly rows_before: number;
  readonly rows_new: number;
  readonly contest: {
    readonly metric: string;
    readonly rows: number;
    readonly champion: IMeasured | null;
    readonly challenger: IMeasured | null;
    readonly gain: IMeasured | null;
    readonly verdict: string;
    readonly reason: string;
  } | null;
  readonly outcome: 'released' | 'ready' | 'not good enough' | 'gate closed' | 'failed';
  readonly reasons: readonly string[];
}

/** What is to be retrained, and on what. */
export interface IRetrainWish {
  readonly release: string;
  /** A table file, from the server's folder; null: the logged predictions whose outcome is known. */
  readonly data: string | null;
  readonly replace: boolean | null;
  readonly may_release: boolean;
}
