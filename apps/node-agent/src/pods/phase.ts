import { type ContainerStatus } from '#api';
import { containersOf, type PodObject } from './pod-containers';
import { shouldRestart } from './restart-policy';

interface Statuses {
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
}

/** The pod's phase from its containers, as the kubelet's `getPhase`. `isTerminal`: nothing will run again. */
export function phaseOf(pod: PodObject, { init, main }: Statuses, isTerminal: boolean): string {
  const containers = containersOf(pod);
  let isInitializing = false;
  let hasFailedInit = false;
  for (const { spec, kind } of containers) {
    if (kind !== 'init' && kind !== 'sidecar') continue;
    const status = init.find(({ name }) => name === spec.name);
    const ended =
      status?.state?.terminated ?? (status?.state?.waiting === undefined ? undefined : status.lastState?.terminated);
    if (kind === 'sidecar') {
      const hasRun = status?.started === true || ended !== undefined;
      if (!hasRun) isInitializing = true;
    } else if (status?.state?.terminated === undefined || ended === undefined) isInitializing = true;
    else if (ended.exitCode !== 0) {
      if (shouldRestart(pod, spec, kind, ended.exitCode)) isInitializing = true;
      else hasFailedInit = true;
    }
  }

  const counts = { waiting: 0, running: 0, stopped: 0, succeeded: 0 };
  for (const { spec, kind } of containers) {
    if (kind !== 'main') continue;
    const { state, lastState } = main.find(({ name }) => name === spec.name) ?? {};
    const ended = state?.terminated ?? lastState?.terminated;
    if (state?.running !== undefined) counts.running++;
    else if (ended !== undefined) {
      counts.stopped++;
      if (ended.exitCode === 0) counts.succeeded++;
    } else counts.waiting++;
  }

  if (hasFailedInit) return 'Failed';
  if (isTerminal && counts.running === 0) {
    return counts.stopped > 0 && counts.stopped === counts.succeeded && counts.waiting === 0 ? 'Succeeded' : 'Failed';
  }
  const hasStarted = counts.running + counts.stopped > 0;
  if (isInitializing && !hasStarted) return 'Pending';
  if (counts.waiting > 0) return 'Pending';
  return hasStarted ? 'Running' : 'Pending';
}
