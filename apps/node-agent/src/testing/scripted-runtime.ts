import { type Clock } from '#machinery';
import {
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStatus,
  type ImageCollection,
  type ImageStatus,
  type RuntimeEvent,
  RuntimeError,
  type SandboxConfig,
  type SandboxStatus,
} from '#runtime';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * A container runtime in memory whose every call is recorded, for tests of the agent: containers run until a test lets them end, calls fail when a test
 * says so.
 */
export class ScriptedRuntime implements ContainerRuntime {
  readonly calls: string[] = [];
  readonly sandboxes = new Map<string, Mutable<SandboxStatus>>();
  readonly containers = new Map<string, Mutable<ContainerStatus>>();
  readonly configs = new Map<string, ContainerConfig>();
  readonly images = new Map<string, ImageStatus>();
  /** Errors by verb and name (`create main`), thrown until removed. */
  readonly failures = new Map<string, Error>();
  /** What `execSync` answers, by the command's words. */
  readonly execAnswers = new Map<string, { exitCode: number; output: string }>();
  /** What a collection of garbage finds. */
  collection: ImageCollection | undefined;
  /** Containers whose process ignores its signal. */
  readonly stubborn = new Set<string>();
  isAvailable = true;
  private sequence = 0;
  private readonly listeners = new Set<(event: RuntimeEvent) => void>();

  constructor(private readonly clock: Clock) {}

  /** Calls since the last time. */
  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  /** The running container of a name. */
  running(name: string): Mutable<ContainerStatus> | undefined {
    return [...this.containers.values()].find((container) => container.name === name && container.state === 'running');
  }

  /** A container's process ends. */
  exit(name: string, exitCode = 0): void {
    const container = this.running(name);
    if (container !== undefined) this.end(container, exitCode);
  }

  async info() {
    this.check('info');
    return {
      name: 'docker',
      version: '1.0',
      apiVersion: '1.0',
      cgroupVersion: 2 as const,
      cgroupDriver: 'none' as const,
      operatingSystem: 'Test OS',
      kernelVersion: '6.0',
      architecture: 'amd64',
    };
  }

  async runSandbox(config: SandboxConfig) {
    this.call(`sandbox ${config.pod.name}`);
    const id = `s${++this.sequence}`;
    const { labels, annotations, pod, ip } = config;
    const status = {
      id,
      pod,
      state: 'ready' as const,
      createdAt: this.clock.now(),
      labels,
      annotations,
      ...(ip === undefined ? {} : { ip }),
    };
    this.sandboxes.set(id, status);
    return status;
  }

  async stopSandbox(id: string) {
    this.call(`stop-sandbox ${id}`);
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) return;
    sandbox.state = 'not-ready';
    for (const container of this.containers.values()) {
      if (container.sandboxId === id && container.state === 'running') this.end(container, 137);
    }
  }

  async removeSandbox(id: string) {
    this.call(`remove-sandbox ${id}`);
    this.sandboxes.delete(id);
  }

  async listSandboxes(podUid?: string) {
    this.check('list');
    return [...this.sandboxes.values()]
      .filter(({ pod }) => podUid === undefined || pod.uid === podUid)
      .map((sandbox) => ({ ...sandbox }));
  }

  async createContainer(sandboxId: string, pod: SandboxConfig, config: ContainerConfig) {
    this.call(`create ${config.name}`, `create ${config.name}${config.attempt === 0 ? '' : ` #${config.attempt}`}`);
    const id = `c${++this.sequence}`;
    const { name, attempt, labels, annotations, image } = config;
    const status: Mutable<ContainerStatus> = {
      id,
      sandboxId,
      pod: pod.pod,
      name,
      attempt,
      state: 'created',
      createdAt: this.clock.now(),
      image,
      imageId: this.images.get(image)?.id ?? image,
      labels,
      annotations,
    };
    this.containers.set(id, status);
    this.configs.set(id, config);
    return id;
  }

  async startContainer(id: string) {
    const container = this.containers.get(id);
    this.call(`start ${container?.name}`);
    if (container === undefined) throw new RuntimeError('not-found', `no container ${id}`);
    container.state = 'running';
    container.startedAt = this.clock.now();
  }

  async stopContainer(id: string, timeoutSeconds: number, signal?: string) {
    const container = this.containers.get(id);
    this.call(`stop ${container?.name} ${timeoutSeconds}s${signal === undefined ? '' : ` ${signal}`}`);
    if (container?.state !== 'running') return;
    if (this.stubborn.has(container.name)) {
      await new Promise<void>((resolve) => {
        this.clock.setTimer(timeoutSeconds * 1000, resolve);
      });
    }
    if (container.state === 'running') this.end(container, this.stubborn.has(container.name) ? 137 : 0);
  }

  async removeContainer(id: string) {
    this.call(`remove ${this.containers.get(id)?.name}`);
    this.containers.delete(id);
  }

  async listContainers(podUid?: string) {
    this.check('list');
    return [...this.containers.values()]
      .filter(({ pod }) => podUid === undefined || pod.uid === podUid)
      .map((container) => ({ ...container }));
  }

  async containerStatus(id: string) {
    const container = this.containers.get(id);
    if (container === undefined) throw new RuntimeError('not-found', `no container ${id}`);
    return { ...container };
  }

  async updateResources() {
    this.call('update');
  }

  async execSync(_id: string, command: readonly string[]) {
    const answer = this.execAnswers.get(command.join(' ')) ?? { exitCode: 0, output: '' };
    return { exitCode: answer.exitCode, stdout: Buffer.from(answer.output), stderr: Buffer.alloc(0), timedOut: false };
  }

  exec = (): Promise<number> => Promise.resolve(0);
  attach = (): Promise<void> => Promise.resolve();
  logs = (): Promise<void> => Promise.resolve();
  portForward = (): Promise<never> => Promise.reject(new RuntimeError('not-found', 'no port'));
  stats = () => Promise.resolve([]);

  async imageStatus(image: string) {
    this.check('image');
    return this.images.get(image);
  }

  async listImages() {
    return [...this.images.values()];
  }

  async pullImage(image: string) {
    this.call(`pull ${image}`);
    this.images.set(image, { id: `id-${image}`, tags: [image], digests: [], sizeBytes: 1000 });
    return `id-${image}`;
  }

  async removeImage(image: string) {
    this.images.delete(image);
  }

  async collectImages() {
    return this.collection;
  }

  watch(listener: (event: RuntimeEvent) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close() {
    this.listeners.clear();
  }

  private end(container: Mutable<ContainerStatus>, exitCode: number): void {
    container.state = 'exited';
    container.exitCode = exitCode;
    container.finishedAt = this.clock.now();
    container.reason = exitCode === 0 ? 'Completed' : 'Error';
    for (const listener of this.listeners)
      listener({ type: 'exited', containerId: container.id, podUid: container.pod.uid });
  }

  private call(verb: string, text = verb): void {
    this.check(verb);
    this.calls.push(text);
  }

  private check(verb: string): void {
    if (!this.isAvailable) throw new RuntimeError('unavailable', 'the engine does not answer');
    const failure = this.failures.get(verb);
    if (failure !== undefined) throw failure;
  }
}
