/** Reruns and retrainings that go on on the server: each is followed until it has ended, whatever ends the connection. */
import type { IDisposable } from '@lumino/disposable';

import { type IJob, isUnfinished } from './documents';
import { lineOf, RequestError, type Requests } from './requests';

export interface IFollower {
  /** How a job stands that has not ended. */
  readonly progress: (job: IJob) => void;
  /** It has ended: what it changed in the record can be read now. */
  readonly ended: (job: IJob) => Promise<void>;
  /** The server cannot be asked now, and is asked again. */
  readonly waiting: (reason: string) => void;
  /** The server knows the job no more (it was started anew), or does not let us ask. */
  readonly lost: (job: IJob, reason: string) => Promise<void>;
}

/** The server does not know the job, or not us any more: asking again changes nothing. */
const FINAL: ReadonlySet<number> = new Set([401, 403, 404]);

export class JobFollowing implements IDisposable {
  constructor(
    private readonly requests: Requests,
    private readonly follower: IFollower
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.following.forEach(controller => {
      controller.abort();
    });
    this.following.clear();
  }

  /** Follows those that are not finished; each once. */
  followAll(jobs: readonly IJob[]): void {
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
    let lost: string | null = null;
    const tell = (told: IJob): void => {
      newest = told;
      // How it ended is told together with what it changed in the record.
      if (isUnfinished(told)) {
        this.follower.progress(told);
      }
    };
    let failures = 0;
    const stopped = (): boolean => controller.signal.aborted;
    while (isUnfinished(newest) && !stopped() && lost === null) {
      try {
        await this.requests.follow(job.id, tell, controller.signal);
        if (isUnfinished(newest)) {
          // Something between us and the server ended the stream.
          await pause(failures);
          tell(await this.requests.job(job.id));
        }
        failures = 0;
      } catch (error) {
        if (stopped()) {
          return;
        }
        if (error instanceof RequestError && FINAL.has(error.status)) {
          lost = error.message;
        } else {
          failures += 1;
          this.follower.waiting(lineOf(error));
          await pause(failures);
        }
      }
    }
    this.following.delete(job.id);
    if (!stopped()) {
      await (lost === null ? this.follower.ended(newest) : this.follower.lost(newest, lost));
    }
  }

  private readonly following = new Map<string, AbortController>();
  private _isDisposed = false;
}

/** Waits before the server is asked again: twice as long after each failure, a minute at most. */
function pause(failures: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.min(2000 * 2 ** failures, 60_000)));
}
