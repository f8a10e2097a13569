import { type Socket } from 'node:net';
import { type Readable } from 'node:stream';
import type {
  ContainerCreateOptions,
  ContainerInfo,
  ContainerInspectInfo,
  DockerVersion,
  ExecInspectInfo,
  HostConfig,
  ImageInfo,
  ImageInspectInfo,
  NetworkCreateOptions,
  NetworkInspectInfo,
} from 'dockerode';
import { type ImageCredentials } from '../container-runtime';
import { EngineHttp, type Query } from './engine-http';

interface Filtered {
  readonly filters?: Readonly<Record<string, readonly string[]>>;
}

/** The calls of the Engine API (https://docs.docker.com/reference/api/engine/) that are made here, one method each. */
export class DockerApi {
  private readonly http: EngineHttp;

  constructor(socketPath: string) {
    this.http = new EngineHttp(socketPath);
  }

  version(): Promise<DockerVersion> {
    return this.get(['version']);
  }

  info(): Promise<Readonly<Record<string, unknown>>> {
    return this.get(['info']);
  }

  events(query: Query): Promise<Readable> {
    return this.http.open({ method: 'GET', path: ['events'], query });
  }

  async createContainer({ name, ...body }: ContainerCreateOptions): Promise<{ readonly id: string }> {
    const { Id } = await this.post<{ Id: string }>(['containers', 'create'], { name }, body);
    return { id: Id };
  }

  listContainers(query: Filtered & { readonly all: true }): Promise<ContainerInfo[]> {
    return this.get(['containers', 'json'], { ...query });
  }

  inspectContainer(id: string): Promise<ContainerInspectInfo> {
    return this.get(['containers', id, 'json']);
  }

  startContainer(id: string): Promise<void> {
    return this.post(['containers', id, 'start']);
  }

  stopContainer(id: string, seconds: number): Promise<void> {
    return this.post(['containers', id, 'stop'], { t: seconds });
  }

  killContainer(id: string, signal: string): Promise<void> {
    return this.post(['containers', id, 'kill'], { signal });
  }

  /** With its anonymous volumes, whether it runs or not. */
  removeContainer(id: string): Promise<void> {
    return this.http.json({ method: 'DELETE', path: ['containers', id], query: { force: true, v: true } });
  }

  updateContainer(id: string, resources: HostConfig): Promise<void> {
    return this.post(['containers', id, 'update'], {}, resources);
  }

  resizeContainer(id: string, size: { readonly w: number; readonly h: number }): Promise<void> {
    return this.post(['containers', id, 'resize'], size);
  }

  containerStats(id: string): Promise<unknown> {
    return this.get(['containers', id, 'stats'], { stream: false, 'one-shot': true });
  }

  containerLogs(id: string, query: Query): Promise<Readable> {
    return this.http.open({ method: 'GET', path: ['containers', id, 'logs'], query });
  }

  attachContainer(id: string, query: Query): Promise<Socket> {
    return this.http.upgrade({ method: 'POST', path: ['containers', id, 'attach'], query });
  }

  async createExec(container: string, options: object): Promise<string> {
    return (await this.post<{ Id: string }>(['containers', container, 'exec'], {}, options)).Id;
  }

  startExec(id: string, options: object): Promise<Socket> {
    return this.http.upgrade({ method: 'POST', path: ['exec', id, 'start'], body: options });
  }

  inspectExec(id: string): Promise<ExecInspectInfo> {
    return this.get(['exec', id, 'json']);
  }

  resizeExec(id: string, size: { readonly w: number; readonly h: number }): Promise<void> {
    return this.post(['exec', id, 'resize'], size);
  }

  listImages(): Promise<ImageInfo[]> {
    return this.get(['images', 'json']);
  }

  inspectImage(name: string): Promise<ImageInspectInfo> {
    return this.get(['images', name, 'json']);
  }

  /** The answer is the pull's progress: a JSON object a line. */
  pullImage(name: string, credentials: ImageCredentials | undefined, signal: AbortSignal): Promise<Readable> {
    const headers: Readonly<Record<string, string>> =
      credentials === undefined ? {} : { 'X-Registry-Auth': authOf(credentials) };
    return this.http.open({ method: 'POST', path: ['images', 'create'], query: { fromImage: name }, headers, signal });
  }

  /** The answer is the load's progress. */
  loadImage(archive: Readable): Promise<Readable> {
    return this.http.open({ method: 'POST', path: ['images', 'load'], query: { quiet: true }, archive });
  }

  tagImage(name: string, target: { readonly repo: string; readonly tag: string }): Promise<void> {
    return this.post(['images', name, 'tag'], target);
  }

  removeImage(name: string, query: { readonly force: boolean }): Promise<void> {
    return this.http.json({ method: 'DELETE', path: ['images', name], query });
  }

  listNetworks(query: Filtered): Promise<NetworkInspectInfo[]> {
    return this.get(['networks'], { ...query });
  }

  createNetwork(options: NetworkCreateOptions): Promise<void> {
    return this.post(['networks', 'create'], {}, options);
  }

  removeNetwork(id: string): Promise<void> {
    return this.http.json({ method: 'DELETE', path: ['networks', id] });
  }

  close(): void {
    this.http.close();
  }

  private get<T>(path: readonly string[], query: Query = {}): Promise<T> {
    return this.http.json({ method: 'GET', path, query });
  }

  private post<T>(path: readonly string[], query: Query = {}, body?: object): Promise<T> {
    return this.http.json({ method: 'POST', path, query, ...(body === undefined ? {} : { body }) });
  }
}

/** base64url of what `docker login` knows. */
function authOf({ username, password, serverAddress = '' }: ImageCredentials): string {
  return Buffer.from(JSON.stringify({ username, password, serveraddress: serverAddress })).toString('base64url');
}
