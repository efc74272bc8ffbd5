/** The one file that talks to the server. Every failure is an `Error` whose message is one line for the user. */
import { URLExt } from '@jupyterlab/coreutils';
import type { IOutput } from '@jupyterlab/nbformat';
import { ServerConnection } from '@jupyterlab/services';

import type {
  ICard,
  IGate,
  IJob,
  ILiveCell,
  IModelRow,
  IPage,
  IProject,
  IRegisteredRisk,
  ISideBySide,
  ISigner,
  ISnapshot,
  IStanding,
  IWantedDecision,
  Scope
} from './documents';
import { takeEvents } from './events';
import type { IMonitored, IReleasedModel, IRetraining, IRetrainWish } from './lifedocuments';

export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string
  ) {
    super(message);
  }
}

export class Requests {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  project(path: string): Promise<IProject> {
    return this.json<IProject>('GET', ['project'], { path });
  }

  snapshots(path: string, scope: Scope, limit: number, offset: number, query = ''): Promise<IPage> {
    return this.json<IPage>('GET', ['snapshots'], {
      path,
      scope,
      q: query.slice(0, 500),
      limit: String(limit),
      offset: String(offset)
    });
  }

  snapshot(path: string, id: string): Promise<ISnapshot> {
    return this.json<ISnapshot>('GET', ['snapshots', id], { path });
  }

  gate(path: string, id: string): Promise<IGate> {
    return this.json<IGate>('GET', ['snapshots', id, 'gate'], { path });
  }

  sideBySide(path: string, a: string, b: string): Promise<ISideBySide> {
    return this.json<ISideBySide>('GET', ['compare'], { path, a, b });
  }

  async outputs(path: string, id: string, cell: number): Promise<readonly IOutput[]> {
    const parts = ['snapshots', id, 'cells', String(cell), 'outputs'];
    return (await this.json<{ outputs: readonly IOutput[] }>('GET', parts, { path })).outputs;
  }

  async models(path: string): Promise<readonly IModelRow[]> {
    return (await this.json<{ models: readonly IModelRow[] }>('GET', ['models'], { path })).models;
  }

  async risks(path: string): Promise<readonly IRegisteredRisk[]> {
    return (await this.json<{ risks: readonly IRegisteredRisk[] }>('GET', ['risks'], { path }))
      .risks;
  }

  async releases(path: string): Promise<readonly IReleasedModel[]> {
    const told = await this.json<{ releases: readonly IReleasedModel[] }>('GET', ['releases'], {
      path
    });
    return told.releases;
  }

  async monitors(path: string): Promise<readonly IMonitored[]> {
    const told = await this.json<{ monitors: readonly IMonitored[] }>('GET', ['monitors'], {
      path
    });
    return told.monitors;
  }

  async retrainings(path: string): Promise<readonly IRetraining[]> {
    const told = await this.json<{ retrainings: readonly IRetraining[] }>('GET', ['retrainings'], {
      path
    });
    return told.retrainings;
  }

  retrain(path: string, wish: IRetrainWish): Promise<IJob> {
    return this.json<IJob>('POST', ['retrainings'], { path }, wish);
  }

  standing(path: string, cells: readonly ILiveCell[]): Promise<IStanding> {
    return this.json<IStanding>('POST', ['standing'], { path }, { cells });
  }

  /** Records a notebook without its kernel. */
  snapshotNow(
    path: string,
    notebook: unknown,
    experiment: string,
    message: string
  ): Promise<{ readonly id: string }> {
    return this.json<{ readonly id: string }>(
      'POST',
      ['snapshots'],
      { path },
      { notebook, experiment, message }
    );
  }

  signer(path: string): Promise<ISigner> {
    return this.json<ISigner>('GET', ['signer'], { path });
  }

  async decide(path: string, id: string, decision: IWantedDecision): Promise<void> {
    await this.json<unknown>('POST', ['snapshots', id, 'decisions'], { path }, decision);
  }

  rerun(path: string, id: string): Promise<IJob> {
    return this.json<IJob>('POST', ['snapshots', id, 'rerun'], { path });
  }

  async jobs(): Promise<readonly IJob[]> {
    return (await this.json<{ jobs: readonly IJob[] }>('GET', ['jobs'], { kind: 'all' })).jobs;
  }

  job(id: string): Promise<IJob> {
    return this.json<IJob>('GET', ['jobs', id]);
  }

  cancel(id: string): Promise<IJob> {
    return this.json<IJob>('DELETE', ['jobs', id]);
  }

  /** Calls `tell` with the job whenever it changed, until it is finished or `signal` aborts. */
  async follow(id: string, tell: (job: IJob) => void, signal: AbortSignal): Promise<void> {
    const response = await this.send('GET', ['jobs', id, 'events'], {}, { signal });
    const reader = response.body?.getReader();
    if (!reader) {
      throw new Error('the browser cannot read the progress of the rerun');
    }
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const piece = await reader.read();
      if (piece.done) {
        return;
      }
      const taken = takeEvents(rest + decoder.decode(piece.value, { stream: true }));
      rest = taken.rest;
      for (const event of taken.events) {
        tell(JSON.parse(event.data) as IJob);
      }
    }
  }

  /** Where the report of a snapshot is, for a frame or a download. */
  reportUrl(path: string, card: Pick<ICard, 'id'>, download = false): string {
    const query: Record<string, string> = download ? { path, download: '1' } : { path };
    return this.url(['snapshots', card.id, 'report'], query);
  }

  private url(parts: readonly string[], query: Record<string, string>): string {
    const route = URLExt.join(
      this.settings.baseUrl,
      'mlgov/api',
      ...parts.map(part => encodeURIComponent(part))
    );
    return route + URLExt.objectToQueryString(query);
  }

  private async json<T>(
    method: string,
    parts: readonly string[],
    query: Record<string, string> = {},
    body: unknown = {}
  ): Promise<T> {
    const response = await this.send(method, parts, query, { body });
    try {
      return (await response.json()) as T;
    } catch {
      throw new Error('the server answered something that is no JSON: is jupyter-mlgov installed?');
    }
  }

  private async send(
    method: string,
    parts: readonly string[],
    query: Record<string, string>,
    options: { readonly signal?: AbortSignal; readonly body?: unknown } = {}
  ): Promise<Response> {
    const { signal, body } = options;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        this.url(parts, query),
        {
          method,
          ...(signal ? { signal } : {}),
          ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {})
        },
        this.settings
      );
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw new RequestError(0, 'the Jupyter server cannot be reached');
    }
    if (!response.ok) {
      throw new RequestError(response.status, await reasonOf(response));
    }
    return response;
  }
}

/** What went wrong, in one line. */
export function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const told: unknown = await response.json();
    if (typeof told === 'object' && told !== null && 'message' in told) {
      return String(told.message);
    }
  } catch {
    // Not ours: the status has to do.
  }
  return `the server refused (${response.status}): is the jupyter-mlgov server extension enabled?`;
}
