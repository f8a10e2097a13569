import { type ContainerStatus, type SandboxStatus } from '#runtime';
import { type ContainerSpec, type PodObject } from './pod-containers';

/** What probes and hooks say about one running container. */
export interface ContainerHealth {
  /** Its postStart hook has ended and its startup probe, if any, succeeded. */
  readonly isStarted: boolean;
  readonly isReady: boolean;
  /** The probe that demands a restart. */
  readonly failedProbe?: 'liveness' | 'startup';
}

export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

/**
 * Everything that is known about a pod at one moment: the input of `decide` and `computeStatus`, which are pure. Only what the
 * runtime and the API cannot say comes from the agent's memory.
 */
export interface PodView {
  readonly pod: PodObject;
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** Newest first. */
  readonly sandboxes: readonly SandboxStatus[];
  /** Newest first. */
  readonly containers: readonly ContainerStatus[];
  health(containerId: string): ContainerHealth;
  /** Containers that are being stopped, with the wall-clock time at which they will be killed. */
  readonly stopping: ReadonlyMap<string, number>;
  /** Until when a container that ended at `finishedAt` is held back; undefined: not at all. */
  blockedUntil(container: string, finishedAt: number): number | undefined;
  /** Why the container could not be started last time. */
  readonly startErrors: ReadonlyMap<string, Waiting>;
  /** The hash that the current spec gives the container. */
  hashOf(container: string): string;
  /** Set when the pod is to be brought down: deleted, evicted, past its deadline. */
  readonly termination?: {
    /** When it began. */
    readonly since: number;
    readonly graceSeconds: number;
  };
}

/** The newest container of a name. */
export function latestOf(view: Pick<PodView, 'containers'>, name: string): ContainerStatus | undefined {
  return view.containers.find((container) => container.name === name);
}

/** The running container whose processes an ephemeral container is to see. */
export function runningTargetOf(view: Pick<PodView, 'containers'>, container: ContainerSpec): string | undefined {
  const name = 'targetContainerName' in container ? container.targetContainerName : undefined;
  const target = name === undefined ? undefined : latestOf(view, name);
  return target?.state === 'running' ? target.id : undefined;
}

/** The sandbox that containers run in: the newest, if it is ready. */
export function activeSandbox(view: Pick<PodView, 'sandboxes'>): SandboxStatus | undefined {
  const [newest] = view.sandboxes;
  return newest?.state === 'ready' ? newest : undefined;
}
