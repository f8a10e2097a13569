import { type Clock, type Timer } from '#machinery';
import { type ContainerConfig, type ContainerStatus, RuntimeError, type SandboxConfig } from '../container-runtime';
import { type Behaviour, behaviourOf } from './behaviour';
import { FakeLog } from './fake-log';

type State = Pick<ContainerStatus, 'state' | 'startedAt' | 'finishedAt' | 'exitCode' | 'reason' | 'message'>;

const signals: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
};

/** One simulated container: created, running, exited. Timers exist only where the behaviour asks for them. */
export class FakeContainer {
  readonly log = new FakeLog();
  readonly behaviour: Behaviour;
  private current: State = { state: 'created' };
  private timer: Timer | undefined;
  private onExited: (() => void)[] = [];
  private readonly createdAt: number;

  constructor(
    readonly id: string,
    readonly sandboxId: string,
    readonly sandbox: SandboxConfig,
    readonly config: ContainerConfig,
    private readonly imageId: string,
    private readonly clock: Clock,
    private readonly exited: (container: FakeContainer) => void,
  ) {
    this.createdAt = clock.now();
    this.behaviour = behaviourOf(sandbox.annotations, config.name, [...(config.command ?? []), ...(config.args ?? [])]);
  }

  get state(): ContainerStatus['state'] {
    return this.current.state;
  }

  get isOutOfMemory(): boolean {
    return this.current.reason === 'OOMKilled';
  }

  status(): ContainerStatus {
    const { id, sandboxId, sandbox, config, imageId, createdAt } = this;
    const { name, attempt, image, labels, annotations } = config;
    return {
      id,
      sandboxId,
      pod: sandbox.pod,
      name,
      attempt,
      createdAt,
      image,
      imageId,
      labels,
      annotations,
      ...this.current,
    };
  }

  /** Processor time so far, in nanoseconds. */
  cpuNanoseconds(): number {
    const { startedAt, finishedAt = this.clock.now() } = this.current;
    return startedAt === undefined ? 0 : (finishedAt - startedAt) * 1e3 * this.behaviour.cpuMilli;
  }

  start(): void {
    if (this.current.state !== 'created')
      throw new RuntimeError('start-failed', `container ${this.id} is ${this.current.state}`);
    const { startError, output, exitAfterMs } = this.behaviour;
    const now = this.clock.now();
    if (startError !== undefined) {
      this.current = {
        state: 'exited',
        startedAt: now,
        finishedAt: now,
        exitCode: 127,
        reason: 'ContainerCannotRun',
        message: startError,
      };
      this.log.end();
      throw new RuntimeError('start-failed', startError);
    }
    this.current = { state: 'running', startedAt: now };
    for (const line of output) this.log.append(line, now);
    if (exitAfterMs !== undefined) this.exitAfter(exitAfterMs, () => this.behaviour.exitCode);
  }

  /** Ends it after the behaviour's delay, and kills it after the timeout. Resolves when it has exited. */
  stop(timeoutSeconds: number, signal = 'SIGTERM'): Promise<void> {
    if (this.current.state === 'created') this.exit(0);
    if (this.current.state === 'exited') return Promise.resolve();
    const { terminationDelayMs } = this.behaviour;
    const timeoutMs = timeoutSeconds * 1000;
    const isKilled = terminationDelayMs > timeoutMs;
    const number = isKilled ? 9 : (signals[signal] ?? 15);
    const delayMs = Math.min(terminationDelayMs, timeoutMs);
    if (delayMs === 0) {
      this.exit(128 + number);
      return Promise.resolve();
    }
    this.exitAfter(delayMs, () => 128 + number);
    return new Promise((resolve) => this.onExited.push(resolve));
  }

  /** What happens on its own, or is done to it. Nothing if it has exited. */
  exit(exitCode: number): void {
    if (this.current.state === 'exited') return;
    this.timer?.cancel();
    this.timer = undefined;
    const finishedAt = this.clock.now();
    const reason =
      this.behaviour.isOutOfMemory && exitCode === 137 ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
    this.current = { ...this.current, state: 'exited', finishedAt, exitCode, reason };
    this.log.end();
    this.exited(this);
    for (const resolve of this.onExited.splice(0)) resolve();
  }

  private exitAfter(ms: number, code: () => number): void {
    this.timer?.cancel();
    this.timer = this.clock.setTimer(ms, () => this.exit(code()));
  }

  /** Ends what is scheduled, without an event. */
  dispose(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.log.end();
  }
}
