import { type Writable } from 'node:stream';
import { type Clock, type Timer, Turns } from '#machinery';
import { type Logger } from '#telemetry';
import { execBounded } from '../bounded-exec';
import {
  type ContainerConfig,
  type ContainerResources,
  type ContainerRuntime,
  type ContainerStats,
  type ContainerStatus,
  type ExecOptions,
  type GarbagePolicy,
  type ImageCollection,
  type ImageCredentials,
  type ImageStatus,
  type LogOptions,
  RuntimeError,
  type RuntimeEvent,
  type RuntimeInfo,
  type SandboxConfig,
  type SandboxStatus,
} from '../container-runtime';
import { usageOf } from '../docker/cgroup-stats';
import { type PodNetworkConfig } from '../docker/network';
import { forwardPort } from '../docker/port-forward';
import { isLocalImage } from '../local-image';
import { attachToContainer } from './attach';
import { copyLog } from './container-log';
import { sandboxStatusOf } from './container-state';
import { EventHub } from './event-hub';
import { execInContainer } from './exec';
import { type ImageStore } from './images/image-store';
import { ensureStoredLocalImages } from './images/local-images';
import { type ImageStoreOptions } from './images/options';
import { Layout } from './layout';
import { rotate } from './log-rotation';
import { isAlive } from './processes';
import { type ContainerRecord, type SandboxRecord } from './records';
import { resourcesOf } from './oci/oci-spec';
import { type WantedPrograms } from './oci-runtime/find-programs';
import { closeParts, mostAtOnce, openParts, type NativeParts } from './open-parts';
import { type RootlessNetwork } from './rootless/host-ports';
import { runtimeInfo } from './runtime-info';

export interface NativeRuntimeOptions extends PodNetworkConfig {
  /** What this node's runtime keeps; its own, made if need be. On a file system that overlayfs can be written to. */
  readonly directory: string;
  /** Of the images; may be shared by nodes. */
  readonly images: Pick<ImageStoreOptions, 'directory' | 'mutex' | 'disk' | 'isDurable'>;
  readonly node: string;
  /** Absent: the best that there are. */
  readonly programs?: WantedPrograms;
  /** Present: the node is in a `NodeNamespace`. */
  readonly rootless?: RootlessNetwork;
  readonly clock: Clock;
  /** 0 ≤ x < 1; for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
}

/** As often as the kubelet looks. */
const rotationMs = 10_000;

/** Runs pods without an engine: crun, runc or our own launcher makes containers, conmon or our own supervisor watches over each, this process may come and go. Needs root. */
export class NativeRuntime implements ContainerRuntime {
  private readonly layout: Layout;
  private readonly hub: EventHub;
  private opening: Promise<NativeParts> | undefined;
  private rotation: Timer | undefined;
  private isClosed = false;
  /** Containers whose end nobody was told of yet. */
  private readonly running = new Set<string>();
  /** A hundred pods at once would all be half done for long; containers do not wait behind all sandboxes. */
  private readonly sandboxTurns = new Turns(mostAtOnce);
  private readonly startTurns = new Turns(mostAtOnce);

  constructor(private readonly options: NativeRuntimeOptions) {
    this.layout = new Layout(options.directory);
    this.hub = new EventHub(options.logger);
  }

  async info(): Promise<RuntimeInfo> {
    const { runtime, host } = await this.parts();
    return runtimeInfo(await runtime.version(), host, this.options.rootless?.problem);
  }

  /** What makes containers, with its version. */
  async program(): Promise<string> {
    const { runtime } = await this.parts();
    return `${runtime.name} ${await runtime.version()}`;
  }

  /** Makes the pods' network now, for those who want to listen on the bridge's address before there is a pod. */
  async ensureNetwork(): Promise<void> {
    await (await this.parts()).network.ensure();
  }

  /** Makes the images of `nestor.local/`, unless they are here. */
  async ensureLocalImages(progress?: (activity: string) => void): Promise<void> {
    await ensureStoredLocalImages(await this.images(), progress);
  }

  async runSandbox(config: SandboxConfig): Promise<SandboxStatus> {
    const { sandboxes } = await this.parts();
    const record = await this.sandboxTurns.run(() => sandboxes.run(config));
    this.hub.emit('created', record.id, config.pod.uid);
    this.hub.emit('started', record.id, config.pod.uid);
    return sandboxStatusOf(record);
  }

  async stopSandbox(id: string): Promise<void> {
    const { sandboxes, records } = await this.parts();
    const record = records.sandboxes.get(id);
    if (record === undefined) return;
    await Promise.all(records.containersOf(id).map((container) => this.stopContainer(container.id, 0)));
    const wasAlive = await isAlive(record.pause);
    await sandboxes.stop(record);
    if (wasAlive) this.hub.emit('exited', id, record.config.pod.uid);
  }

  async removeSandbox(id: string): Promise<void> {
    const { sandboxes, records } = await this.parts();
    await Promise.all(records.containersOf(id).map((container) => this.removeContainer(container.id)));
    const record = records.sandboxes.get(id);
    if (record === undefined) return;
    await sandboxes.remove(record);
    this.hub.emit('removed', id, record.config.pod.uid);
  }

  async listSandboxes(podUid?: string): Promise<readonly SandboxStatus[]> {
    const { records } = await this.parts();
    const found = [...records.sandboxes.values()].filter(({ config }) => isOf(config, podUid));
    return Promise.all(found.map(sandboxStatusOf));
  }

  async createContainer(sandboxId: string, pod: SandboxConfig, config: ContainerConfig): Promise<string> {
    const { containers } = await this.parts();
    await this.sandbox(sandboxId);
    const { id } = await containers.create(sandboxId, pod, config);
    this.hub.emit('created', id, pod.pod.uid);
    return id;
  }

  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    const { containers } = await this.parts();
    const record = await this.startTurns.run(async () => {
      signal?.throwIfAborted();
      const found = await this.container(id);
      this.running.add(id);
      await containers.start(found);
      return found;
    });
    this.hub.emit('started', id, record.sandbox.pod.uid);
    await this.noticeExit(id);
  }

  async stopContainer(id: string, timeoutSeconds: number, signal?: string): Promise<void> {
    const { containers, records } = await this.parts();
    const record = records.containers.get(id);
    if (record === undefined) return;
    await containers.stop(record, timeoutSeconds, signal);
    await this.noticeExit(id);
  }

  async removeContainer(id: string): Promise<void> {
    const { containers, records } = await this.parts();
    const record = records.containers.get(id);
    if (record === undefined) return;
    await this.stopContainer(id, 0);
    await containers.remove(record);
    this.running.delete(id);
    this.hub.emit('removed', id, record.sandbox.pod.uid);
  }

  async listContainers(podUid?: string): Promise<readonly ContainerStatus[]> {
    const { records, containers } = await this.parts();
    const found = [...records.containers.values()].filter(({ sandbox }) => isOf(sandbox, podUid));
    return Promise.all(found.map((record) => containers.status(record)));
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    return (await this.parts()).containers.status(await this.container(id));
  }

  async updateResources(id: string, resources: ContainerResources): Promise<void> {
    const { runtime, records } = await this.parts();
    const record = await this.container(id);
    if ((await this.containerStatus(id)).state === 'running') {
      await runtime.update(id, this.layout.container(id), resourcesOf(resources));
    }
    await records.putContainer({ ...record, config: { ...record.config, resources } });
  }

  execSync(id: string, command: readonly string[], timeoutMs: number) {
    return execBounded(this.options.clock, command, timeoutMs, (options) => this.exec(id, options));
  }

  async exec(id: string, options: ExecOptions): Promise<number> {
    const { runtime } = await this.parts();
    await this.runningContainer(id);
    const { clock } = this.options;
    return execInContainer({ runtime, bundle: this.layout.container(id), id, clock }, options);
  }

  async attach(id: string, options: Omit<ExecOptions, 'command'>): Promise<void> {
    const { supervisor } = await this.parts();
    await this.runningContainer(id);
    await attachToContainer({ supervisor, bundle: this.layout.container(id), id }, options);
  }

  async logs(id: string, options: LogOptions, stdout: Writable, stderr: Writable, signal?: AbortSignal): Promise<void> {
    await this.container(id);
    const isComplete = async (): Promise<boolean> => {
      const record = (await this.parts()).records.containers.get(id);
      return record === undefined || (await this.containerStatus(id)).state === 'exited';
    };
    const source = { file: this.layout.log(id), clock: this.options.clock, isComplete };
    await copyLog(source, options, { stdout, stderr }, signal);
  }

  async portForward(sandboxId: string, port: number): Promise<NodeJS.ReadWriteStream> {
    const { pause, config } = await this.sandbox(sandboxId);
    if (pause === undefined || !(await isAlive(pause))) {
      throw new RuntimeError('not-found', `sandbox "${sandboxId}" is not running`);
    }
    return forwardPort({ pid: pause.pid, ...(config.ip === undefined ? {} : { ip: config.ip }) }, port);
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const { records } = await this.parts();
    const found = await Promise.all(
      [...records.containers.values()].map(async ({ id, main, sandbox, config }) => {
        const usage = (await isAlive(main)) ? await usageOf(main?.pid ?? 0) : undefined;
        if (usage === undefined) return [];
        return [
          { containerId: id, pod: sandbox.pod, name: config.name, timestamp: this.options.clock.now(), ...usage },
        ];
      }),
    );
    return found.flat();
  }

  async imageStatus(image: string): Promise<ImageStatus | undefined> {
    return (await this.images()).status(image);
  }

  async listImages(): Promise<readonly ImageStatus[]> {
    return (await this.images()).list();
  }

  /** `nestor.local/…` is never asked for in the network: it is made here. */
  async pullImage(image: string, credentials?: ImageCredentials): Promise<string> {
    const images = await this.images();
    if (!isLocalImage(image)) return images.pull(image, credentials);
    await ensureStoredLocalImages(images);
    const status = await images.status(image);
    if (status === undefined)
      throw new RuntimeError('image-not-found', `image "${image}" is not one of those made on this machine`);
    return status.id;
  }

  async removeImage(image: string): Promise<void> {
    await (await this.images()).remove(image);
  }

  async collectImages(policy: GarbagePolicy): Promise<ImageCollection> {
    return (await this.images()).collectGarbage(policy);
  }

  watch(listener: (event: RuntimeEvent) => void, resync: () => void = () => undefined): () => void {
    return this.hub.subscribe({ event: listener, resync });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.rotation?.cancel();
    this.hub.close();
    const parts = await this.opening?.catch(() => undefined);
    if (parts !== undefined) await closeParts(parts);
  }

  /** Opened when first needed; an attempt that failed (a program is missing) is repeated. */
  private parts(): Promise<NativeParts> {
    this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async open(): Promise<NativeParts> {
    const parts = await openParts(this.options, this.layout);
    for (const record of parts.records.containers.values()) {
      if ((await parts.containers.status(record)).state === 'running') this.running.add(record.id);
    }
    if (this.isClosed) {
      await closeParts(parts);
      throw new RuntimeError('unavailable', 'the runtime is closed');
    }
    this.hub.follow(this.layout.exits, (name) => void this.noticeExit(name).catch((error: unknown) => this.log(error)));
    this.scheduleRotation(parts);
    return parts;
  }

  private async images(): Promise<ImageStore> {
    return (await this.parts()).images;
  }

  private async container(id: string): Promise<ContainerRecord> {
    const record = (await this.parts()).records.containers.get(id);
    if (record === undefined) throw new RuntimeError('not-found', `container "${id}": not found`);
    return record;
  }

  private async runningContainer(id: string): Promise<void> {
    const { state } = await this.containerStatus(id);
    if (state !== 'running') throw new RuntimeError('invalid-argument', `container ${id} is not running`);
  }

  private async sandbox(id: string): Promise<SandboxRecord> {
    const record = (await this.parts()).records.sandboxes.get(id);
    if (record === undefined) throw new RuntimeError('not-found', `sandbox "${id}": not found`);
    return record;
  }

  /** Tells once that a container has ended. */
  private async noticeExit(id: string): Promise<void> {
    const { records, containers } = await this.parts();
    const record = records.containers.get(id);
    if (record === undefined || !this.running.has(id)) return;
    const { state, reason } = await containers.status(record);
    if (state !== 'exited' || !this.running.delete(id)) return;
    if (reason === 'OOMKilled') this.hub.emit('oom', id, record.sandbox.pod.uid);
    this.hub.emit('exited', id, record.sandbox.pod.uid);
  }

  private scheduleRotation(parts: NativeParts): void {
    if (this.isClosed) return;
    this.rotation = this.options.clock.setTimer(rotationMs, () => {
      void this.rotateLogs(parts)
        .catch((error: unknown) => this.log(error))
        .finally(() => this.scheduleRotation(parts));
    });
  }

  private async rotateLogs({ supervisor }: NativeParts): Promise<void> {
    for (const id of this.running) if (await rotate(this.layout.log(id))) await supervisor.reopenLog(id);
  }

  private log(error: unknown): void {
    this.options.logger.error({ err: error }, 'the native runtime failed in the background');
  }
}

/** A runtime without an engine. Opens its directory when first used; what is missing makes calls reject with `unavailable`. */
export function createNativeRuntime(options: NativeRuntimeOptions): NativeRuntime {
  return new NativeRuntime(options);
}

function isOf({ pod }: SandboxConfig, uid: string | undefined): boolean {
  return uid === undefined || pod.uid === uid;
}
