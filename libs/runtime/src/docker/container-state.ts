import { type ContainerInfo, type ContainerInspectInfo } from 'dockerode';
import { type ContainerStatus, type SandboxStatus } from '../container-runtime';
import { givenLabels, keys, podOf } from './labels';

type State = ContainerInspectInfo['State'];

/** A container as it was inspected, with what only the runtime needs to know. */
export interface InspectedContainer {
  readonly status: ContainerStatus;
  /** On the engine's host; 0 when it does not run. */
  readonly pid: number;
  readonly tty: boolean;
}

export function toContainerStatus(info: ContainerInspectInfo, imageDigest: (id: string) => string): InspectedContainer {
  const all = info.Config.Labels;
  const createdAt = Date.parse(info.Created);
  return {
    pid: info.State.Pid,
    tty: info.Config.Tty,
    status: {
      id: info.Id,
      sandboxId: all[keys.sandboxId] ?? '',
      pod: podOf(all),
      name: all[keys.containerName] ?? '',
      attempt: Number(all[keys.attempt] ?? 0),
      createdAt,
      ...stateOf(info.State, createdAt),
      image: info.Config.Image,
      imageId: imageDigest(info.Image),
      ...givenLabels(all),
    },
  };
}

/** The dockershim's reading of the engine's state. */
function stateOf(
  state: State,
  createdAt: number,
): Pick<ContainerStatus, 'state' | 'startedAt' | 'finishedAt' | 'exitCode' | 'reason' | 'message'> {
  const startedAt = timeOf(state.StartedAt);
  const finishedAt = timeOf(state.FinishedAt);
  if (state.Running || state.Paused || state.Restarting) {
    return { state: 'running', ...(startedAt === undefined ? {} : { startedAt }) };
  }
  const message = state.Error === '' ? {} : { message: state.Error };
  if (finishedAt !== undefined && startedAt !== undefined) {
    const reason = state.OOMKilled ? 'OOMKilled' : state.ExitCode === 0 ? 'Completed' : 'Error';
    return { state: 'exited', startedAt, finishedAt, exitCode: state.ExitCode, reason, ...message };
  }
  // It never ran: the start failed. 127: no such executable; 126: it may not be executed; 128: anything else.
  if (state.ExitCode !== 0) {
    const times = { startedAt: createdAt, finishedAt: finishedAt ?? createdAt };
    return { state: 'exited', ...times, exitCode: state.ExitCode, reason: 'ContainerCannotRun', ...message };
  }
  return { state: 'created' };
}

export function toSandboxStatus(info: ContainerInfo): SandboxStatus {
  const isReady = info.State === 'running';
  const [ip] = Object.values(info.NetworkSettings?.Networks ?? {}).map(({ IPAddress }) => IPAddress);
  return {
    id: info.Id,
    pod: podOf(info.Labels),
    state: isReady ? 'ready' : 'not-ready',
    createdAt: info.Created * 1000,
    ...(isReady && ip !== undefined && ip !== '' ? { ip } : {}),
    ...givenLabels(info.Labels),
  };
}

/** The engine's "never" is year 1. */
function timeOf(text: string): number | undefined {
  const time = Date.parse(text);
  return time > 0 ? time : undefined;
}
