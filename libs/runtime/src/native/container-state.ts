import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ContainerStatus, type SandboxStatus } from '../container-runtime';
import { type Layout } from './layout';
import { isAlive } from './processes';
import { type ContainerRecord, type SandboxRecord } from './records';

/** A container whose supervisor was killed: how it ended nobody knows. */
const lostExitCode = 255;

export async function containerStatusOf(layout: Layout, record: ContainerRecord): Promise<ContainerStatus> {
  const { id, sandboxId, sandbox, config, imageId, createdAt } = record;
  return {
    id,
    sandboxId,
    pod: sandbox.pod,
    name: config.name,
    attempt: config.attempt,
    createdAt,
    ...(await stateOf(layout, record)),
    image: config.image,
    imageId,
    labels: config.labels,
    annotations: config.annotations,
  };
}

type State = Pick<ContainerStatus, 'state' | 'startedAt' | 'finishedAt' | 'exitCode' | 'reason' | 'message'>;

async function stateOf(layout: Layout, record: ContainerRecord): Promise<State> {
  const { failure, startedAt, createdAt } = record;
  if (failure !== undefined) {
    const { exitCode, message, at } = failure;
    return {
      state: 'exited',
      startedAt: createdAt,
      finishedAt: at,
      exitCode,
      reason: 'ContainerCannotRun',
      message,
    };
  }
  if (startedAt === undefined) return { state: 'created' };
  const exit = await exitOf(layout, record.id);
  if (exit !== undefined) return ended(layout, record.id, startedAt, exit);
  if ((await isAlive(record.supervisor)) || (await isAlive(record.main))) return { state: 'running', startedAt };
  // It may have ended while we looked.
  const late = await exitOf(layout, record.id);
  if (late !== undefined) return ended(layout, record.id, startedAt, late);
  const message = 'the container ended together with its supervisor, or with the machine';
  return { state: 'exited', startedAt, finishedAt: startedAt, exitCode: lostExitCode, reason: 'Error', message };
}

interface Exit {
  readonly code: number;
  readonly at: number;
}

/** What conmon has written: the code, as text. It is written beside and renamed. */
async function exitOf(layout: Layout, id: string): Promise<Exit | undefined> {
  try {
    const { mtimeMs } = await stat(layout.exit(id));
    return { code: Number(await readFile(layout.exit(id), 'utf8')), at: Math.ceil(mtimeMs) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function ended(layout: Layout, id: string, startedAt: number, { code, at }: Exit): Promise<State> {
  const reason = (await isOutOfMemory(layout, id)) ? 'OOMKilled' : code === 0 ? 'Completed' : 'Error';
  // Files have the time of the last tick, which may be before the start.
  return { state: 'exited', startedAt, finishedAt: Math.max(at, startedAt), exitCode: code, reason };
}

/** conmon leaves a file when the kernel has killed something in the container's cgroup. */
async function isOutOfMemory(layout: Layout, id: string): Promise<boolean> {
  try {
    await stat(path.join(layout.container(id), 'oom'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export async function sandboxStatusOf({ id, config, createdAt, pause }: SandboxRecord): Promise<SandboxStatus> {
  const { pod, ip, hostNetwork, labels, annotations } = config;
  const isReady = await isAlive(pause);
  const hasAddress = isReady && !hostNetwork && ip !== undefined;
  return {
    id,
    pod,
    state: isReady ? 'ready' : 'not-ready',
    createdAt,
    ...(hasAddress ? { ip } : {}),
    labels,
    annotations,
  };
}
