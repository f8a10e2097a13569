import { type Writable } from 'node:stream';
import { type Clock, delay } from '#machinery';
import {
  type ContainerConfig,
  type ContainerResources,
  type ContainerRuntime,
  type ContainerStats,
  type ContainerStatus,
  type ExecOptions,
  type ImageStatus,
  type LogOptions,
  RuntimeError,
  type RuntimeEvent,
  type RuntimeInfo,
  type SandboxConfig,
  type SandboxStatus,
} from '../container-runtime';
import { simulateCommand } from './behaviour';
import { FakeContainer } from './fake-container';
import { echoStream, fakeExec } from './fake-exec';
import { FakeImages } from './fake-images';

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  /** 0 ≤ x < 1; makes ids. */
  readonly random: () => number;
}

interface Sandbox {
  readonly status: SandboxStatus;
  readonly config: SandboxConfig;
  readonly containers: Map<string, FakeContainer>;
}

/**
 * Simulates pods by the thousand (KWOK's role). What containers do is data: annotations of the pod, see `behaviour.ts`. Keeps its state in
 * memory only. Beyond the contract, a test can make a container exit, or the engine disappear.
 */
export class FakeRuntime implements ContainerRuntime {
  private readonly sandboxes = new Map<string, Sandbox>();
  private readonly sandboxesByPod = new Map<string, Set<string>>();
  private readonly containers = new Map<string, FakeContainer>();
  private readonly images = new FakeImages();
  private readonly listeners = new Map<
    object,
    { event: (event: RuntimeEvent) => void; resync?: (() => void) | undefined }
  >();
  private isAvailable = true;
  private sequence = 0;
  private readonly idPrefix: string;

  constructor(private readonly options: FakeRuntimeOptions) {
    const digits = (): string =>
      Math.floor(options.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    this.idPrefix = Array.from({ length: 6 }, digits).join('');
  }

  /** False: every call rejects with `unavailable`, as when an engine is stopped. True again: watchers are told to relist. */
  setAvailable(isAvailable: boolean): void {
    const isBack = isAvailable && !this.isAvailable;
    this.isAvailable = isAvailable;
    if (isBack) for (const { resync } of this.listeners.values()) resync?.();
  }

  /** Makes a container exit, as if its process had. */
  exitContainer(id: string, exitCode: number): void {
    this.container(id).exit(exitCode);
  }

  async info(): Promise<RuntimeInfo> {
    this.check();
    return {
      name: 'fake',
      version: '1.0.0',
      apiVersion: '1.0',
      cgroupVersion: 2,
      cgroupDriver: 'none',
      operatingSystem: 'Simulated Linux',
      kernelVersion: '6.0.0',
      architecture: 'amd64',
    };
  }

  async runSandbox(config: SandboxConfig): Promise<SandboxStatus> {
    this.check();
    const { pod, ip, labels, annotations } = config;
    const status: SandboxStatus = {
      id: this.newId(),
      pod,
      state: 'ready',
      createdAt: this.options.clock.now(),
      ...(ip === undefined ? {} : { ip }),
      labels,
      annotations,
    };
    this.sandboxes.set(status.id, { status, config, containers: new Map() });
    const ofPod = this.sandboxesByPod.get(pod.uid);
    if (ofPod === undefined) this.sandboxesByPod.set(pod.uid, new Set([status.id]));
    else ofPod.add(status.id);
    this.emit('started', status.id, pod.uid);
    return status;
  }

  async stopSandbox(id: string): Promise<void> {
    this.check();
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined || sandbox.status.state === 'not-ready') return;
    await Promise.all([...sandbox.containers.values()].map((container) => container.stop(0, 'SIGKILL')));
    const { ip: _released, ...status } = sandbox.status;
    this.sandboxes.set(id, { ...sandbox, status: { ...status, state: 'not-ready' } });
    this.emit('exited', id, status.pod.uid);
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id);
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) return;
    for (const container of sandbox.containers.keys()) await this.removeContainer(container);
    this.sandboxes.delete(id);
    const ofPod = this.sandboxesByPod.get(sandbox.status.pod.uid);
    ofPod?.delete(id);
    if (ofPod?.size === 0) this.sandboxesByPod.delete(sandbox.status.pod.uid);
    this.emit('removed', id, sandbox.status.pod.uid);
  }

  async listSandboxes(podUid?: string): Promise<readonly SandboxStatus[]> {
    this.check();
    return this.sandboxesOf(podUid).map(({ status }) => status);
  }

  async createContainer(sandboxId: string, pod: SandboxConfig, config: ContainerConfig): Promise<string> {
    this.check();
    const sandbox = this.sandboxes.get(sandboxId);
    if (sandbox === undefined) throw new RuntimeError('not-found', `sandbox "${sandboxId}" not found`);
    const image = this.images.status(config.image);
    if (image === undefined) throw new RuntimeError('image-not-found', `No such image: ${config.image}`);
    for (const { config: other, state } of sandbox.containers.values()) {
      if (other.name === config.name && other.attempt === config.attempt && state !== 'created') {
        throw new RuntimeError('already-exists', `container ${config.name} attempt ${config.attempt} exists`);
      }
    }
    const container = new FakeContainer(this.newId(), sandboxId, pod, config, image.id, this.options.clock, (ended) => {
      if (ended.isOutOfMemory) this.emit('oom', ended.id, ended.sandbox.pod.uid);
      this.emit('exited', ended.id, ended.sandbox.pod.uid);
    });
    this.containers.set(container.id, container);
    sandbox.containers.set(container.id, container);
    this.emit('created', container.id, pod.pod.uid);
    return container.id;
  }

  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    this.check();
    const container = this.container(id);
    const { startDelayMs } = container.behaviour;
    if (startDelayMs > 0) await delay(this.options.clock, startDelayMs, signal);
    if (this.sandboxes.get(container.sandboxId)?.status.state !== 'ready') {
      throw new RuntimeError('start-failed', `sandbox "${container.sandboxId}" is not running`);
    }
    container.start();
    this.emit('started', id, container.sandbox.pod.uid);
  }

  async stopContainer(id: string, timeoutSeconds: number, signal?: string): Promise<void> {
    this.check();
    await this.containers.get(id)?.stop(timeoutSeconds, signal);
  }

  async removeContainer(id: string): Promise<void> {
    this.check();
    const container = this.containers.get(id);
    if (container === undefined) return;
    await container.stop(0, 'SIGKILL');
    container.dispose();
    this.containers.delete(id);
    this.sandboxes.get(container.sandboxId)?.containers.delete(id);
    this.emit('removed', id, container.sandbox.pod.uid);
  }

  async listContainers(podUid?: string): Promise<readonly ContainerStatus[]> {
    this.check();
    const found: ContainerStatus[] = [];
    for (const { containers } of this.sandboxesOf(podUid)) {
      for (const container of containers.values()) found.push(container.status());
    }
    return found;
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    this.check();
    return this.container(id).status();
  }

  async updateResources(id: string, _resources: ContainerResources): Promise<void> {
    this.check();
    this.container(id);
  }

  async execSync(id: string, command: readonly string[], timeoutMs: number) {
    this.check();
    this.running(id);
    const result = simulateCommand(command);
    const { output, exitCode, exitAfterMs = 0 } = result;
    const timedOut = exitAfterMs > timeoutMs;
    if (exitAfterMs > 0) await delay(this.options.clock, Math.min(exitAfterMs, timeoutMs));
    const stdout = Buffer.from(output.map((line) => `${line}\n`).join(''));
    return { exitCode: timedOut ? 137 : exitCode, stdout, stderr: Buffer.alloc(0), timedOut };
  }

  async exec(id: string, options: ExecOptions): Promise<number> {
    this.check();
    this.running(id);
    return fakeExec(this.options.clock, options);
  }

  async attach(id: string, options: Omit<ExecOptions, 'command'>): Promise<void> {
    this.check();
    const log: LogOptions = { follow: true, timestamps: false, tailLines: 0 };
    await this.running(id).log.copyTo(log, options.stdout, options.signal);
  }

  async logs(
    id: string,
    options: LogOptions,
    stdout: Writable,
    _stderr: Writable,
    signal?: AbortSignal,
  ): Promise<void> {
    this.check();
    await this.container(id).log.copyTo(options, stdout, signal);
  }

  async portForward(sandboxId: string, _port: number): Promise<NodeJS.ReadWriteStream> {
    this.check();
    if (this.sandboxes.get(sandboxId)?.status.state !== 'ready') {
      throw new RuntimeError('not-found', `sandbox "${sandboxId}" is not running`);
    }
    return echoStream();
  }

  async stats(): Promise<readonly ContainerStats[]> {
    this.check();
    const timestamp = this.options.clock.now();
    const found: ContainerStats[] = [];
    for (const container of this.containers.values()) {
      if (container.state !== 'running') continue;
      const { memoryBytes } = container.behaviour;
      found.push({
        containerId: container.id,
        pod: container.sandbox.pod,
        name: container.config.name,
        timestamp,
        cpuNanoseconds: container.cpuNanoseconds(),
        memoryWorkingSetBytes: memoryBytes,
        memoryUsageBytes: memoryBytes,
        memoryRssBytes: memoryBytes,
      });
    }
    return found;
  }

  async imageStatus(image: string): Promise<ImageStatus | undefined> {
    this.check();
    return this.images.status(image);
  }

  async listImages(): Promise<readonly ImageStatus[]> {
    this.check();
    return this.images.list();
  }

  async pullImage(image: string): Promise<string> {
    this.check();
    return this.images.pull(image);
  }

  async removeImage(image: string): Promise<void> {
    this.check();
    this.images.remove(image);
  }

  /** Simulated images take no room. */
  collectImages(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  watch(listener: (event: RuntimeEvent) => void, resync?: () => void): () => void {
    const key = {};
    this.listeners.set(key, { event: listener, resync });
    return () => void this.listeners.delete(key);
  }

  async close(): Promise<void> {
    this.listeners.clear();
    for (const container of this.containers.values()) container.dispose();
  }

  private emit(type: RuntimeEvent['type'], containerId: string, podUid: string): void {
    const event: RuntimeEvent = { type, containerId, podUid };
    for (const { event: listener } of this.listeners.values()) listener(event);
  }

  private sandboxesOf(podUid: string | undefined): Sandbox[] {
    if (podUid === undefined) return [...this.sandboxes.values()];
    const ids = this.sandboxesByPod.get(podUid) ?? [];
    return [...ids].flatMap((id) => this.sandboxes.get(id) ?? []);
  }

  private container(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new RuntimeError('not-found', `No such container: ${id}`);
    return container;
  }

  private running(id: string): FakeContainer {
    const container = this.container(id);
    if (container.state !== 'running') throw new RuntimeError('invalid-argument', `Container ${id} is not running`);
    return container;
  }

  private check(): void {
    if (!this.isAvailable) throw new RuntimeError('unavailable', 'the simulated runtime is not available');
  }

  private newId(): string {
    return `${this.idPrefix}${(++this.sequence).toString(16).padStart(16, '0')}`;
  }
}

/** A runtime that simulates containers. */
export function createFakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  return new FakeRuntime(options);
}
