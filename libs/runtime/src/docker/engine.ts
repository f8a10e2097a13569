import { type RuntimeErrorCode } from '../container-runtime';
import { DockerApi } from './docker-api';
import { toRuntimeError } from './errors';

const defaultSocket = '/var/run/docker.sock';

/** A Docker engine whose errors are `RuntimeError`s. */
export class Engine {
  private readonly docker: DockerApi;

  /** Without a path: `DOCKER_HOST` if that is a socket, else the usual one. */
  constructor(socketPath?: string) {
    const host = process.env['DOCKER_HOST'] ?? '';
    const ofHost = host.startsWith('unix://') ? host.slice('unix://'.length) : defaultSocket;
    this.docker = new DockerApi(socketPath ?? ofHost);
  }

  /** @param fallback what an error means when its status and message do not tell */
  async call<T>(work: (docker: DockerApi) => Promise<T>, fallback: RuntimeErrorCode = 'unavailable'): Promise<T> {
    try {
      return await work(this.docker);
    } catch (error) {
      throw toRuntimeError(error, fallback);
    }
  }

  close(): void {
    this.docker.close();
  }
}
