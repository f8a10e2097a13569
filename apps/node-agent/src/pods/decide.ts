import { type ContainerStatus as ApiContainerStatus } from '#api';
import { type DeepReadonly } from '#machinery';
import { type ContainerStatus } from '#runtime';
import { type Decision, hashAnnotation, type PodAction } from './pod-action';
import { containersOf, type ContainerKind, type PodContainer } from './pod-containers';
import { activeSandbox, latestOf, type PodView } from './pod-view';
import { shouldRestart } from './restart-policy';
import { decideTermination } from './decide-termination';

/** What has to be done for a pod, from what is: the kubelet's `computePodActions` with its termination. Called again after every change. */
export function decide(view: PodView): Decision {
  if (view.termination !== undefined) return decideTermination(view, view.termination);
  const sandbox = activeSandbox(view);
  if (sandbox === undefined) return decideSandbox(view);
  const plan = new Plan(view);
  const stale = view.sandboxes.filter(({ id, state }) => id !== sandbox.id && state === 'ready');
  for (const { id } of stale) plan.actions.push({ type: 'stop-sandbox', id });

  const containers = containersOf(view.pod);
  const isHere = ({ sandboxId }: ContainerStatus): boolean => sandboxId === sandbox.id;
  const hasMain = containers.some(({ spec, kind }) => {
    const latest = kind === 'main' ? latestOf(view, spec.name) : undefined;
    return latest !== undefined && isHere(latest);
  });
  const isInitialized = plan.initialize(containers, hasMain, isHere);
  if (isInitialized === 'failed') return decideTermination(view, finishing(view));
  for (const { spec, kind } of containers) {
    const isNew = kind === 'ephemeral' && latestOf(view, spec.name) === undefined;
    if (isNew) plan.actions.push({ type: 'start-container', name: spec.name, kind, attempt: 0 });
  }
  if (isInitialized === 'no') return plan.running();

  let isAlive = false;
  for (const container of containers) {
    if (container.kind === 'main' && plan.keepRunning(container)) isAlive = true;
  }
  return isAlive ? plan.running() : decideTermination(view, finishing(view));
}

/** No usable sandbox: a new one, unless nothing would run in it. */
function decideSandbox(view: PodView): Decision {
  const { pod, sandboxes } = view;
  const mains = containersOf(pod).filter(({ kind }) => kind === 'main');
  const wouldRun = mains.some(({ spec, kind }) => {
    const latest = latestOf(view, spec.name);
    return latest?.state !== 'exited' || shouldRestart(pod, spec, kind, latest.exitCode ?? 0);
  });
  const [newest] = sandboxes;
  const hasFailedInit = containersOf(pod).some(({ spec, kind }) => {
    const latest = kind === 'init' ? latestOf(view, spec.name) : undefined;
    return latest?.state === 'exited' && latest.exitCode !== 0 && !shouldRestart(pod, spec, kind, latest.exitCode ?? 0);
  });
  // As upstream: a pod that never restarts does not get a second sandbox once it has run something.
  const isSpent = newest !== undefined && pod.spec?.restartPolicy === 'Never' && view.containers.length > 0;
  if (!wouldRun || hasFailedInit || isSpent) return decideTermination(view, finishing(view));
  const left = sandboxes
    .filter(({ state }) => state === 'ready')
    .map(({ id }) => ({ type: 'stop-sandbox', id }) as const);
  return {
    actions: [...left, { type: 'create-sandbox', attempt: newest === undefined ? 0 : newest.pod.attempt + 1 }],
    backingOff: new Map(),
    state: 'running',
  };
}

function finishing(view: PodView): { since: number; graceSeconds: number } {
  return { since: view.now, graceSeconds: view.pod.spec?.terminationGracePeriodSeconds ?? 30 };
}

class Plan {
  readonly actions: PodAction[] = [];
  private readonly backingOff = new Map<string, number>();

  constructor(private readonly view: PodView) {}

  running(): Decision {
    return { actions: this.actions, backingOff: this.backingOff, state: 'running' };
  }

  /** Brings init containers and sidecars on, one at a time and in order. */
  initialize(
    containers: readonly PodContainer[],
    hasMain: boolean,
    isHere: (container: ContainerStatus) => boolean,
  ): 'yes' | 'no' | 'failed' {
    const { pod } = this.view;
    for (const container of containers) {
      const { spec, kind } = container;
      if (kind === 'sidecar') {
        const latest = latestOf(this.view, spec.name);
        const isRunning = latest !== undefined && isHere(latest) && this.checkRunning(container, latest);
        if (!isRunning) this.start(container);
        const isStarted = isRunning && this.view.health(latest.id).isStarted;
        if (!isStarted && !hasMain) return 'no';
      } else if (kind === 'init' && !hasMain) {
        const latest = latestOf(this.view, spec.name);
        if (latest === undefined || !isHere(latest) || latest.state === 'created') {
          this.start(container);
          return 'no';
        }
        if (latest.state === 'running') return 'no';
        if (latest.exitCode === 0) continue;
        if (!shouldRestart(pod, spec, kind, latest.exitCode ?? 0)) return 'failed';
        this.start(container);
        return 'no';
      }
    }
    return 'yes';
  }

  /** @returns whether the container runs, or will */
  keepRunning(container: PodContainer): boolean {
    const { spec, kind } = container;
    const latest = latestOf(this.view, spec.name);
    if (latest !== undefined && this.checkRunning(container, latest)) return true;
    if (latest?.state === 'exited' && !shouldRestart(this.view.pod, spec, kind, latest.exitCode ?? 0)) return false;
    this.start(container);
    return true;
  }

  /** Stops a running container that must not go on. */
  private checkRunning({ spec, kind }: PodContainer, status: ContainerStatus): boolean {
    if (status.state !== 'running') return false;
    const { failedProbe } = this.view.health(status.id);
    const isChanged =
      status.annotations[hashAnnotation] !== undefined &&
      status.annotations[hashAnnotation] !== this.view.hashOf(spec.name);
    if (this.view.stopping.has(status.id) || (failedProbe === undefined && !isChanged)) return true;
    const restarts = shouldRestart(this.view.pod, spec, kind, 1) ? ', will be restarted' : '';
    const cause = isChanged ? 'definition changed' : `failed ${failedProbe} probe`;
    const probe =
      failedProbe === 'startup' ? spec.startupProbe : failedProbe === 'liveness' ? spec.livenessProbe : undefined;
    this.actions.push({
      type: 'stop-container',
      id: status.id,
      name: spec.name,
      message: `Container ${spec.name} ${cause}${restarts}`,
      graceSeconds: probe?.terminationGracePeriodSeconds ?? this.view.pod.spec?.terminationGracePeriodSeconds ?? 30,
    });
    return true;
  }

  private start({ spec, kind }: PodContainer): void {
    const latest = latestOf(this.view, spec.name);
    if (latest?.state === 'exited') {
      const until = this.view.blockedUntil(spec.name, latest.finishedAt ?? latest.createdAt);
      if (until !== undefined) {
        this.backingOff.set(spec.name, until);
        return;
      }
    }
    this.actions.push({
      type: 'start-container',
      name: spec.name,
      kind,
      attempt: nextAttempt(this.view, spec.name, kind),
    });
  }
}

/** Restart counts only grow, even when the runtime has lost the earlier containers. What never ran is no restart: it is made again. */
function nextAttempt(view: PodView, name: string, kind: ContainerKind): number {
  const latest = latestOf(view, name);
  if (latest?.state === 'created') return latest.attempt;
  const { initContainerStatuses = [], containerStatuses = [] } = view.pod.status ?? {};
  const known = kind === 'main' ? containerStatuses : initContainerStatuses;
  const before = known.find((status) => status.name === name);
  return Math.max(latest === undefined ? 0 : latest.attempt + 1, before === undefined ? 0 : attemptAfter(before));
}

/** Of a container that the API remembers, be it lost: a next one, unless it never ran. What has ended stands as the last state of what waits. */
function attemptAfter({ containerID, restartCount = 0, state, lastState }: DeepReadonly<ApiContainerStatus>): number {
  if (containerID === undefined) return 0;
  const hasRun = state?.waiting === undefined || lastState?.terminated?.containerID === containerID;
  return hasRun ? restartCount + 1 : restartCount;
}
