import { type ContainerState, type ContainerStatus as ApiContainerStatus } from '#api';
import { type DeepReadonly, formatTime } from '#machinery';
import { type ContainerStatus } from '#runtime';
import { type PodContainer } from './pod-containers';
import { type PodView } from './pod-view';

/** `status.containerStatuses[*]` of one container. `isTerminal`: it will not be tried again, whatever kept it from starting. */
export function containerStatusOf(
  view: PodView,
  { spec, kind }: PodContainer,
  previous: DeepReadonly<ApiContainerStatus> | undefined,
  { runtimeName, isTerminal }: { readonly runtimeName: string; readonly isTerminal: boolean },
): ApiContainerStatus {
  const history = view.containers.filter(({ name }) => name === spec.name);
  const [latest, before] = history;
  const common = { name: spec.name, image: latest?.image ?? spec.image ?? '', imageID: latest?.imageId ?? '' };
  const isRunning = latest?.state === 'running';
  const health = isRunning ? view.health(latest.id) : { isStarted: false, isReady: false };
  const state = stateOf(view, kind, latest, runtimeName);
  const startError = isRunning || isTerminal ? undefined : view.startErrors.get(spec.name);
  const ended = (status: ContainerStatus | undefined): ContainerState | undefined =>
    status?.state === 'exited' ? { terminated: terminatedState(status, runtimeName) } : undefined;
  const isWaiting = startError !== undefined || state.waiting !== undefined;
  const isCompletedInit = kind === 'init' && state.terminated?.exitCode === 0;

  return {
    ...common,
    state: startError === undefined ? state : { waiting: { ...startError } },
    lastState: (isWaiting ? (ended(latest) ?? ended(before)) : ended(before)) ?? lostState(latest, previous) ?? {},
    ready: (startError === undefined && isCompletedInit) || (isRunning && health.isReady && kind !== 'init'),
    restartCount: latest?.attempt ?? previous?.restartCount ?? 0,
    started: isRunning && (kind === 'init' ? false : health.isStarted),
    ...(latest === undefined ? {} : { containerID: `${runtimeName}://${latest.id}` }),
    ...(latest === undefined || kind === 'ephemeral' ? {} : resourcesOf(spec.resources)),
    ...volumeMountStatuses(spec.volumeMounts),
  };
}

function stateOf(
  view: PodView,
  kind: PodContainer['kind'],
  latest: ContainerStatus | undefined,
  runtimeName: string,
): ContainerState {
  if (latest?.state === 'running') return { running: { startedAt: formatTime(latest.startedAt ?? latest.createdAt) } };
  if (latest?.state === 'exited') return { terminated: terminatedState(latest, runtimeName) };
  const hasInit = (view.pod.spec?.initContainers ?? []).length > 0;
  return {
    waiting: { reason: hasInit || kind === 'init' || kind === 'sidecar' ? 'PodInitializing' : 'ContainerCreating' },
  };
}

function terminatedState(status: ContainerStatus, runtimeName: string): NonNullable<ContainerState['terminated']> {
  const exitCode = status.exitCode ?? 0;
  return {
    exitCode,
    reason: status.reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
    ...(status.message === undefined || status.message === '' ? {} : { message: status.message }),
    startedAt: formatTime(status.startedAt ?? status.createdAt),
    finishedAt: formatTime(status.finishedAt ?? status.createdAt),
    containerID: `${runtimeName}://${status.id}`,
  };
}

/** The runtime has forgotten a container that the API remembers: say how it was last seen. */
function lostState(
  latest: ContainerStatus | undefined,
  previous: DeepReadonly<ApiContainerStatus> | undefined,
): ContainerState | undefined {
  if (latest !== undefined && previous?.containerID?.endsWith(latest.id) === true) return previous.lastState;
  if (previous?.containerID === undefined) return undefined;
  if (previous.state?.terminated !== undefined) return { terminated: { ...previous.state.terminated } };
  if (latest !== undefined || previous.state?.running === undefined) return previous.lastState;
  return { terminated: { ...unknownEnd } };
}

/**
 * The states of containers of a pod that will never run again: whoever waits has not ended well, as the kubelet's `TerminatePod` has it. Before a pod is
 * initialized its containers were never due.
 */
export function endedStatuses(
  init: readonly ApiContainerStatus[],
  main: readonly ApiContainerStatus[],
  isInitialized: boolean,
): { readonly init: ApiContainerStatus[]; readonly main: ApiContainerStatus[] } {
  const end = (status: ApiContainerStatus): ApiContainerStatus =>
    status.state?.terminated === undefined ? { ...status, state: { terminated: { ...unknownEnd } } } : status;
  // Init containers after the last one that was started were not due either.
  const due = init.findLastIndex(
    ({ state, lastState }) => state?.waiting === undefined || lastState?.terminated !== undefined,
  );
  return {
    init: init.map((status, i) => (i <= due ? end(status) : status)),
    main: isInitialized ? main.map(end) : [...main],
  };
}

const unknownEnd = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};

function resourcesOf(resources: PodContainer['spec']['resources']): Partial<ApiContainerStatus> {
  if (resources?.requests === undefined && resources?.limits === undefined) return {};
  const { limits, requests } = resources;
  return {
    ...(requests === undefined ? {} : { allocatedResources: { ...requests } }),
    resources: {
      ...(limits === undefined ? {} : { limits: { ...limits } }),
      ...(requests === undefined ? {} : { requests: { ...requests } }),
    },
  };
}

function volumeMountStatuses(mounts: PodContainer['spec']['volumeMounts']): Partial<ApiContainerStatus> {
  if (mounts === undefined || mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
    })),
  };
}
