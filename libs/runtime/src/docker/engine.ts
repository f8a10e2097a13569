import http from 'node:http';
import { type Readable } from 'node:stream';
import { type Socket } from 'node:net';
import Docker from 'dockerode';
import { RuntimeError, type RuntimeErrorCode } from '../container-runtime';
import { toRuntimeError } from './errors';

type Query = Readonly<Record<string, string | number | boolean>>;

interface Dial {
  readonly path: string;
  readonly method: string;
  readonly options?: object;
  readonly isStream: boolean;
  readonly hijack?: boolean;
  readonly statusCodes: Readonly<Record<number, true | string>>;
}

const defaultSocket = '/var/run/docker.sock';

/**
 * One connection to a Docker engine. Every call rejects with `RuntimeError`. A call that waits for an answer when the engine goes away would wait for
 * ever (the client notices a lost connection only before an answer begins), so whoever sees that the engine is gone says so with `lose()`.
 */
export class Engine {
  readonly docker: Docker;
  private readonly agent = new http.Agent({ keepAlive: true, maxFreeSockets: 16 });
  private readonly waiting = new Set<(error: Error) => void>();

  constructor(readonly socketPath = process.env['DOCKER_HOST']?.replace(/^unix:\/\//, '') ?? defaultSocket) {
    // `agent` is missing in the type only.
    const options: Docker.DockerOptions & { agent: http.Agent } = { socketPath, agent: this.agent };
    this.docker = new Docker(options);
  }

  /** @param fallback what an error means when its status and message do not tell */
  async call<T>(work: (docker: Docker) => Promise<T>, fallback: RuntimeErrorCode = 'unavailable'): Promise<T> {
    let reject: ((error: Error) => void) | undefined;
    const lost = new Promise<never>((_, fail) => {
      reject = fail;
      this.waiting.add(fail);
    });
    try {
      return await Promise.race([work(this.docker), lost]);
    } catch (error) {
      throw toRuntimeError(error, fallback);
    } finally {
      if (reject !== undefined) this.waiting.delete(reject);
    }
  }

  /** The engine went away: rejects what waits for it. */
  lose(): void {
    for (const reject of this.waiting) reject(new RuntimeError('unavailable', 'the Docker daemon went away'));
  }

  /** An answer that is read as it comes. */
  stream(path: string, query: Query): Promise<Readable> {
    return this.call(() =>
      this.dial<Readable>({
        path: `${path}?`,
        method: 'GET',
        options: { ...query },
        isStream: true,
        statusCodes: { 200: true },
      }),
    );
  }

  /** A connection that stops being HTTP: raw bytes both ways. `body` is sent as JSON, `path` may have a query. */
  upgrade(path: string, body: object = {}): Promise<Socket> {
    return this.call(() =>
      this.dial<Socket>({
        path,
        method: 'POST',
        options: body,
        isStream: true,
        hijack: true,
        statusCodes: { 101: true, 200: true, 204: true },
      }),
    );
  }

  close(): void {
    this.lose();
    this.agent.destroy();
  }

  private dial<T>(options: Dial): Promise<T> {
    return new Promise((resolve, reject) => {
      this.docker.modem.dial(options, (error: unknown, result: unknown) => {
        if (error instanceof Error) reject(error);
        else resolve(result as T);
      });
    });
  }
}
