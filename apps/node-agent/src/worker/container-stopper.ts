import { delay } from '#machinery';
import { type PodAction } from '../pods/pod-action';
import { findContainer, type PodObject } from '../pods/pod-containers';
import { runHook } from '../probes/prober';
import { eventsOf } from './container-starter';
import { type WorkerContext } from './worker-context';

type Stop = Extract<PodAction, { type: 'stop-container' }>;

const minimumGraceMs = 2000;
const retryMs = 1000;

/** Stops containers of one pod in the background: preStop hook, signal, kill. A second stop of the same container shortens its deadline. */
export class ContainerStopper {
  /** When each container that is being stopped will be killed, wall-clock milliseconds. */
  readonly stopping = new Map<string, number>();

  constructor(
    private readonly context: WorkerContext,
    private readonly onDone: () => void,
  ) {}

  stop(pod: PodObject, action: Stop, ip: string | undefined): void {
    const { id, name, message, graceSeconds } = action;
    const isFirst = !this.stopping.has(id);
    const deadline = this.context.clock.now() + graceSeconds * 1000;
    this.stopping.set(id, deadline);
    if (isFirst) eventsOf(this.context, pod, name)('Normal', 'Killing', message);
    void this.run(pod, action, ip, isFirst, deadline);
  }

  private async run(
    pod: PodObject,
    { id, name, graceSeconds }: Stop,
    ip: string | undefined,
    isFirst: boolean,
    deadline: number,
  ): Promise<void> {
    const { runtime, clock, logger } = this.context;
    const graceMs = graceSeconds * 1000;
    const startedAt = clock.monotonic();
    const spec = findContainer(pod, name)?.spec;
    try {
      if (isFirst && spec?.lifecycle?.preStop !== undefined) await this.preStop(pod, id, name, ip, graceMs);
      // A deadline that was shortened meanwhile is another stop's business.
      if (this.stopping.get(id) !== deadline) return;
      const spent = clock.monotonic() - startedAt;
      const left = spent === 0 ? graceMs : Math.max(minimumGraceMs, graceMs - spent);
      await runtime.stopContainer(id, Math.ceil(left / 1000), spec?.lifecycle?.stopSignal);
    } catch (error) {
      logger.warn({ err: error, container: name, containerId: id }, 'container not stopped');
      await delay(clock, retryMs);
    }
    if (this.stopping.get(id) === deadline) this.stopping.delete(id);
    this.onDone();
  }

  private async preStop(
    pod: PodObject,
    id: string,
    name: string,
    ip: string | undefined,
    graceMs: number,
  ): Promise<void> {
    const { runtime, clock, logger, node } = this.context;
    const container = findContainer(pod, name)!.spec;
    const stop = new AbortController();
    const wait = (ms: number): Promise<void> => delay(clock, ms, stop.signal);
    const hook = runHook(
      runtime,
      container.lifecycle!.preStop!,
      { containerId: id, container, ip: ip ?? node.hostIp },
      graceMs,
      wait,
    ).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      logger.warn({ err: error, container: name }, 'preStop hook failed');
      eventsOf(this.context, pod, name)('Warning', 'FailedPreStopHook', 'PreStopHook failed');
    });
    const timeout = delay(clock, graceMs, stop.signal).catch(() => undefined);
    await Promise.race([hook, timeout]);
    stop.abort(new Error('the grace period is over'));
  }
}
