import { mkdir } from 'node:fs/promises';
import { type Writable } from 'node:stream';
import { type ContainerCreateOptions, type ContainerInfo } from 'dockerode';
import { type Clock, delay } from '#machinery';
import { type Logger } from '#telemetry';
import {
  type ContainerConfig,
  type ContainerResources,
  type ContainerRuntime,
  type ContainerStats,
  type ContainerStatus,
  type ExecOptions,
  type ImageCredentials,
  type ImageStatus,
  type LogOptions,
  RuntimeError,
  type RuntimeEvent,
  type RuntimeInfo,
  type SandboxConfig,
  type SandboxStatus,
} from '../container-runtime';
import { execBounded } from '../bounded-exec';
import { cgroupParentOf } from '../cgroup-parent';
import { isLocalImage, LocalImages } from '../local-image';
import { usageOf } from './cgroup-stats';
import { copyLog } from './container-log';
import { containerOptions, resourceOptions, sandboxOptions } from './create-options';
import { toSandboxStatus } from './container-state';
import { type DockerApi } from './docker-api';
import { Engine } from './engine';
import { engineUsageOf } from './engine-stats';
import { messageOf, statusOf } from './errors';
import { EventStream } from './event-stream';
import { attachToContainer, execInContainer } from './exec';
import { ImageStore } from './image-store';
import { Inspections } from './inspections';
import { keys, type Owner } from './labels';
import { PodNetwork, type PodNetworkConfig } from './network';
import { OomScores } from './oom-score';
import { forwardPort } from './port-forward';

export interface DockerRuntimeOptions extends PodNetworkConfig {
  /** Default: `DOCKER_HOST` if that is a socket, else `/var/run/docker.sock`. */
  readonly socketPath?: string;
  /** Containers are those of this node; several nodes may share an engine. */
  readonly node: string;
  readonly clock: Clock;
  /** 0 ≤ x < 1; for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
}

type CreateOptions = ContainerCreateOptions & { readonly name: string };

const lookMs = 50;

/** Runs pods on a Docker engine, with the dockershim's names and labels. */
export class DockerRuntime implements ContainerRuntime {
  private readonly engine: Engine;
  private readonly owner: Owner;
  private readonly network: PodNetwork;
  private readonly images: ImageStore;
  private readonly local: LocalImages;
  private readonly inspections: Inspections;
  private readonly events: EventStream;
  private readonly scores = new OomScores();
  private known: RuntimeInfo | undefined;

  constructor(private readonly options: DockerRuntimeOptions) {
    const { socketPath, cluster, node, clock } = options;
    this.engine = new Engine(socketPath);
    this.owner = { cluster, node };
    this.network = new PodNetwork(this.engine, options, options.logger);
    this.images = new ImageStore(this.engine, clock);
    this.local = new LocalImages(this.engine);
    this.inspections = new Inspections(this.engine, this.images);
    this.events = new EventStream({ engine: this.engine, owner: this.owner, ...options });
    this.events.subscribe({
      event: (event) => this.inspections.forget(event),
      resync: () => this.inspections.forgetAll(),
    });
  }

  /** Asks whether the engine answers; what it is made of is asked for again only when its version changes. */
  async info(): Promise<RuntimeInfo> {
    const { Version, ApiVersion } = await this.engine.call((docker) => docker.version());
    if (this.known?.version === Version) return this.known;
    const info = (await this.engine.call((docker) => docker.info())) as Readonly<Record<string, string>>;
    const driver = info['CgroupDriver'];
    this.known = {
      name: 'docker',
      version: Version,
      apiVersion: ApiVersion,
      cgroupVersion: info['CgroupVersion'] === '2' ? 2 : 1,
      cgroupDriver: driver === 'systemd' || driver === 'none' ? driver : 'cgroupfs',
      operatingSystem: info['OperatingSystem'] ?? '',
      kernelVersion: info['KernelVersion'] ?? '',
      architecture: info['Architecture'] ?? '',
    };
    return this.known;
  }

  /** Makes the pods' network now, for those who want to listen on the bridge's address before there is a pod. */
  ensureNetwork(): Promise<void> {
    return this.network.ensure();
  }

  async runSandbox(config: SandboxConfig): Promise<SandboxStatus> {
    const [image] = await Promise.all([this.local.pause(), config.hostNetwork ? undefined : this.network.ensure()]);
    const placed = await this.placed(config);
    const options = sandboxOptions(placed, { image, network: this.network.name, owner: this.owner });
    const id = await this.startSandbox(options).catch(async (error: unknown) => {
      if (!(await this.isRepaired(error))) throw error;
      return this.startSandbox({ ...options, Image: await this.local.pause() });
    });
    const { pod, ip, labels, annotations } = config;
    const createdAt = Math.floor(this.options.clock.now() / 1000) * 1000;
    return { id, pod, state: 'ready', createdAt, ...(ip === undefined ? {} : { ip }), labels, annotations };
  }

  async stopSandbox(id: string): Promise<void> {
    const containers = await this.list([`${keys.sandboxId}=${id}`]);
    const running = containers.filter(({ State }) => State === 'running');
    await Promise.all(running.map(({ Id }) => this.stopContainer(Id, 0)));
    await this.stopContainer(id, 0);
  }

  async removeSandbox(id: string): Promise<void> {
    const containers = await this.list([`${keys.sandboxId}=${id}`]);
    await Promise.all(containers.map(({ Id }) => this.removeContainer(Id)));
    await this.removeContainer(id);
  }

  async listSandboxes(podUid?: string): Promise<readonly SandboxStatus[]> {
    return (await this.list([`${keys.type}=podsandbox`, ...ofPod(podUid)])).map(toSandboxStatus);
  }

  async createContainer(sandboxId: string, pod: SandboxConfig, config: ContainerConfig): Promise<string> {
    const [options] = await Promise.all([
      containerOptions(sandboxId, await this.placed(pod), config, this.owner),
      ...config.mounts.map(({ hostPath }) => makeMissing(hostPath)),
    ]).catch((error: unknown) => {
      throw new RuntimeError('create-failed', error instanceof Error ? error.message : String(error));
    });
    return this.create(options);
  }

  startContainer(id: string): Promise<void> {
    return this.start(id);
  }

  async stopContainer(id: string, timeoutSeconds: number, signal?: string): Promise<void> {
    if (signal !== undefined) return this.stopWith(id, timeoutSeconds, signal);
    const seconds = Math.max(0, Math.ceil(timeoutSeconds));
    await this.forgiving([304, 404], (docker) => docker.stopContainer(id, seconds));
  }

  async removeContainer(id: string): Promise<void> {
    await this.forgiving([404], (docker) => docker.removeContainer(id));
    this.inspections.forget({ containerId: id });
  }

  async listContainers(podUid?: string): Promise<readonly ContainerStatus[]> {
    return (await this.inspected(podUid)).map(({ status }) => status);
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    return (await this.inspections.inspect(id)).status;
  }

  async updateResources(id: string, resources: ContainerResources): Promise<void> {
    const { OomScoreAdj: _fixed, ...options } = resourceOptions(resources);
    await this.engine.call((docker) => docker.updateContainer(id, options), 'invalid-argument');
  }

  execSync(id: string, command: readonly string[], timeoutMs: number) {
    return execBounded(this.options.clock, command, timeoutMs, (options) => this.exec(id, options));
  }

  exec(id: string, options: ExecOptions): Promise<number> {
    return execInContainer(this.engine, this.options.clock, id, options);
  }

  async attach(id: string, options: Omit<ExecOptions, 'command'>): Promise<void> {
    const { tty } = await this.inspections.withoutState(id);
    await attachToContainer(this.engine, id, tty, options);
  }

  async logs(id: string, options: LogOptions, stdout: Writable, stderr: Writable, signal?: AbortSignal): Promise<void> {
    const { tty } = await this.inspections.withoutState(id);
    await copyLog(this.engine, { id, tty }, options, { stdout, stderr }, signal);
  }

  async portForward(sandboxId: string, port: number): Promise<NodeJS.ReadWriteStream> {
    const info = await this.engine.call((docker) => docker.inspectContainer(sandboxId), 'not-found');
    if (!info.State.Running) throw new RuntimeError('not-found', `sandbox "${sandboxId}" is not running`);
    const ip = info.NetworkSettings.Networks[this.network.name]?.IPAddress;
    return forwardPort({ pid: info.State.Pid, ...(ip === undefined || ip === '' ? {} : { ip }) }, port);
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const running = (await this.inspected()).filter(({ status }) => status.state === 'running');
    return Promise.all(
      running.map(async ({ status: { id, pod, name }, pid }) => {
        const usage = (await usageOf(pid)) ?? (await engineUsageOf(this.engine, id));
        return { containerId: id, pod, name, timestamp: this.options.clock.now(), ...usage };
      }),
    );
  }

  imageStatus(image: string): Promise<ImageStatus | undefined> {
    return this.images.status(image);
  }

  listImages(): Promise<readonly ImageStatus[]> {
    return this.images.list();
  }

  /** `nestor.local/…` is never asked for in the network: it is made here. */
  async pullImage(image: string, credentials?: ImageCredentials): Promise<string> {
    if (!isLocalImage(image)) return this.images.pull(image, credentials);
    await this.local.ensureAll();
    const status = await this.images.status(image);
    if (status === undefined)
      throw new RuntimeError('image-not-found', `image "${image}" is not one of those made on this machine`);
    return status.id;
  }

  removeImage(image: string): Promise<void> {
    return this.images.remove(image);
  }

  /** The engine is whoever's: its images are left to them. */
  collectImages(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  watch(listener: (event: RuntimeEvent) => void, resync: () => void = () => undefined): () => void {
    return this.events.subscribe({ event: listener, resync });
  }

  async close(): Promise<void> {
    this.events.close();
    this.engine.close();
    return Promise.resolve();
  }

  /** In the cluster's control group, unless the pod has been given another. */
  private async placed(config: SandboxConfig): Promise<SandboxConfig> {
    if (config.cgroupParent !== undefined) return config;
    const { cgroupDriver } = this.known ?? (await this.info());
    const cgroupParent = cgroupParentOf(this.options.cluster, cgroupDriver);
    return cgroupParent === undefined ? config : { ...config, cgroupParent };
  }

  private async inspected(podUid?: string) {
    const listed = await this.list([`${keys.type}=container`, ...ofPod(podUid)]);
    const inspected = await Promise.all(listed.map((info) => this.inspections.ofListed(info)));
    return inspected.flatMap((container) => container ?? []);
  }

  private list(labels: readonly string[]): Promise<ContainerInfo[]> {
    const { cluster, node } = this.owner;
    const filters = { label: [`${keys.cluster}=${cluster}`, `${keys.node}=${node}`, ...labels] };
    return this.engine.call((docker) => docker.listContainers({ all: true, filters }));
  }

  private async startSandbox(options: CreateOptions): Promise<string> {
    const id = await this.create(options);
    try {
      await this.start(id);
      return id;
    } catch (error) {
      await this.removeContainer(id);
      throw error;
    }
  }

  /** Whether a sandbox that could not be started is worth a second attempt: somebody removed what it needs, or it asked for too much. */
  private async isRepaired(error: unknown): Promise<boolean> {
    if (!(error instanceof RuntimeError)) return false;
    if (error.code === 'image-not-found') {
      this.local.forget();
      return true;
    }
    if (/network .* not found/i.test(error.message)) {
      this.network.forget();
      await this.network.ensure();
      return true;
    }
    return this.scores.learn(error);
  }

  /** A name that is taken by what has never run was left by a crash between create and start: it is replaced. */
  private async create(options: CreateOptions): Promise<string> {
    const { OomScoreAdj: score = 0 } = options.HostConfig ?? {};
    const HostConfig = { ...options.HostConfig, OomScoreAdj: await this.scores.allowed(score) };
    const create = async (): Promise<string> =>
      (await this.engine.call((docker) => docker.createContainer({ ...options, HostConfig }), 'create-failed')).id;
    try {
      return await create();
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'already-exists') throw error;
      const { status } = await this.inspections.inspect(options.name);
      if (status.state !== 'created') throw error;
      await this.removeContainer(status.id);
      return create();
    }
  }

  /** Starting what runs already succeeds. */
  private async start(id: string): Promise<void> {
    await this.engine.call(async (docker) => {
      try {
        await docker.startContainer(id);
      } catch (error) {
        if (statusOf(error) === 304) return;
        if (statusOf(error) === 404 && !/no such container/i.test(String(error))) {
          // "executable not found" has the status of "container not found".
          throw new RuntimeError('start-failed', `Error response from daemon: ${messageOf(error)}`);
        }
        if (statusOf(error) === 400)
          throw new RuntimeError('start-failed', `Error response from daemon: ${messageOf(error)}`);
        throw error;
      }
    }, 'start-failed');
  }

  /** Engines before 23 cannot stop with another signal than the container's own. */
  private async stopWith(id: string, timeoutSeconds: number, signal: string): Promise<void> {
    const { clock } = this.options;
    await this.forgiving([404, 409], (docker) => docker.killContainer(id, signal));
    const deadline = clock.monotonic() + timeoutSeconds * 1000;
    while (clock.monotonic() < deadline) {
      if (!(await this.isRunning(id))) return;
      await delay(clock, lookMs);
    }
    await this.forgiving([304, 404], (docker) => docker.stopContainer(id, 0));
  }

  private async isRunning(id: string): Promise<boolean> {
    try {
      return (await this.inspections.inspect(id)).status.state === 'running';
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'not-found') return false;
      throw error;
    }
  }

  /** What is done already, or being done, is no error. */
  private async forgiving(statuses: readonly number[], work: (docker: DockerApi) => Promise<unknown>): Promise<void> {
    await this.engine.call(async (docker) => {
      try {
        await work(docker);
      } catch (error) {
        const isInProgress = statusOf(error) === 409 && /already in progress/.test(String(error));
        if (!isInProgress && !statuses.includes(statusOf(error) ?? 0)) throw error;
      }
    }, 'invalid-argument');
  }
}

/** A runtime on a Docker engine. Connects in the background; an engine that does not answer makes calls reject with `unavailable`. */
export function createDockerRuntime(options: DockerRuntimeOptions): DockerRuntime {
  return new DockerRuntime(options);
}

function ofPod(uid: string | undefined): string[] {
  return uid === undefined ? [] : [`${keys.podUid}=${uid}`];
}

/** A directory that a mount expects is made, as containerd does; anything else that is there is left alone. */
async function makeMissing(hostPath: string): Promise<void> {
  try {
    await mkdir(hostPath, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
