import { type ContainerStatus, type Pod } from '#api';
import { type DeepReadonly } from '#machinery';

/** What `kubectl get pods` says about a pod in four columns. */
export interface PodSummary {
  readonly ready: number;
  readonly total: number;
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating` … */
  readonly status: string;
  readonly restarts: number;
  /** When a container last ended to be restarted, milliseconds since the epoch; 0 if none did. */
  readonly lastRestartMs: number;
}

type Status = DeepReadonly<ContainerStatus>;
type Terminated = NonNullable<NonNullable<Status['state']>['terminated']>;

/** Adds up restarts and remembers the last one. */
class Restarts {
  count = 0;
  lastMs = 0;

  add({ restartCount, lastState }: Status): void {
    this.count += restartCount;
    const finishedAt = lastState?.terminated?.finishedAt;
    // Go writes a time that was never set as null.
    if (finishedAt !== undefined && finishedAt !== null) this.lastMs = Math.max(this.lastMs, Date.parse(finishedAt));
  }
}

/** `printPod`: initialisation first, then the containers, the first one speaking last. */
export function summarisePod(pod: DeepReadonly<Pod>): PodSummary {
  const { spec, status = {} } = pod;
  const initContainers = spec?.initContainers ?? [];
  const sidecars = new Set(initContainers.filter((init) => init.restartPolicy === 'Always').map(({ name }) => name));
  const all = new Restarts();
  const ofSidecars = new Restarts();
  let ready = 0;
  let reason = status.reason || (status.phase ?? '');
  if (isGated(pod)) reason = 'SchedulingGated';

  let initialising = false;
  for (const [index, init] of (status.initContainerStatuses ?? []).entries()) {
    const isSidecar = sidecars.has(init.name);
    all.add(init);
    if (isSidecar) ofSidecars.add(init);
    const { terminated, waiting } = init.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (isSidecar && init.started === true) {
      if (init.ready) ready++;
      continue;
    }
    if (terminated !== undefined) reason = `Init:${endText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') reason = `Init:${waiting.reason}`;
    else reason = `Init:${index}/${initContainers.length}`;
    initialising = true;
    break;
  }

  let restarts = all;
  if (!initialising || hasCondition(pod, 'Initialized')) {
    restarts = ofSidecars;
    let isAnyRunning = false;
    for (const container of [...(status.containerStatuses ?? [])].reverse()) {
      restarts.add(container);
      const { terminated, waiting, running } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated !== undefined) reason = endText(terminated);
      else if (container.ready && running !== undefined) {
        isAnyRunning = true;
        ready++;
      }
    }
    if (reason === 'Completed' && isAnyRunning) reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  }

  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (status.phase !== 'Failed' && status.phase !== 'Succeeded') reason = 'Terminating';
  }
  return {
    ready,
    total: (spec?.containers ?? []).length + sidecars.size,
    status: reason,
    restarts: restarts.count,
    lastRestartMs: restarts.lastMs,
  };
}

function endText({ reason, signal = 0, exitCode }: Terminated): string {
  if (reason) return reason;
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function isGated({ status }: DeepReadonly<Pod>): boolean {
  return (status?.conditions ?? []).some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
}

function hasCondition({ status }: DeepReadonly<Pod>, wanted: string): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === wanted && value === 'True');
}
