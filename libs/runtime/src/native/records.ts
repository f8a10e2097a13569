import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ContainerConfig, type PodIdentity, type SandboxConfig } from '../container-runtime';
import { type ImageConfig } from './images/image-config';
import { type Layout } from './layout';
import { type ProcessRef } from './processes';

export interface SandboxRecord {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAt: number;
  /** Absent: it was never started. */
  readonly pause?: ProcessRef;
  /** It has no network yet. */
  readonly isUnfinished?: true;
}

/** What a container is, and what became of its start. How it ended is in its exit file. */
export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly config: ContainerConfig;
  readonly imageId: string;
  /** The lowest first. */
  readonly layers: readonly string[];
  readonly image: ImageConfig;
  readonly stopSignal: string;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly main?: ProcessRef;
  /** conmon, or our own. */
  readonly supervisor?: ProcessRef;
  /** Why it could not be started. */
  readonly failure?: { readonly exitCode: number; readonly message: string; readonly at: number };
}

const file = 'record.json';

/** A directory and a small file for each sandbox and container; the files are read once, by whoever begins. */
export class Records {
  readonly sandboxes = new Map<string, SandboxRecord>();
  readonly containers = new Map<string, ContainerRecord>();

  constructor(private readonly layout: Layout) {}

  /** @returns files that hold no record, as a machine may leave that lost its power; what they were of counts as never made */
  async load(): Promise<string[]> {
    const { root, exits, containers, sandboxes } = this.layout;
    await mkdir(root, { recursive: true, mode: 0o700 });
    await chmod(root, 0o700);
    for (const directory of [exits, containers, sandboxes]) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    }
    return [...(await readAll(sandboxes, this.sandboxes)), ...(await readAll(containers, this.containers))];
  }

  async putSandbox(record: SandboxRecord): Promise<void> {
    await replace(this.layout.sandbox(record.id), record);
    this.sandboxes.set(record.id, record);
  }

  async putContainer(record: ContainerRecord): Promise<void> {
    await replace(this.layout.container(record.id), record);
    this.containers.set(record.id, record);
  }

  /** Forgets a sandbox with its directory. */
  async dropSandbox(id: string): Promise<void> {
    await rm(this.layout.sandbox(id), { recursive: true, force: true });
    this.sandboxes.delete(id);
  }

  async dropContainer(id: string): Promise<void> {
    await rm(this.layout.container(id), { recursive: true, force: true });
    await rm(this.layout.exit(id), { force: true });
    this.containers.delete(id);
  }

  containersOf(sandboxId: string): ContainerRecord[] {
    return [...this.containers.values()].filter((record) => record.sandboxId === sandboxId);
  }

  /** The container that has a name in its pod. */
  named(pod: PodIdentity, { name, attempt }: Pick<ContainerConfig, 'name' | 'attempt'>): ContainerRecord | undefined {
    return [...this.containers.values()].find(
      ({ sandbox, config }) => sandbox.pod.uid === pod.uid && config.name === name && config.attempt === attempt,
    );
  }
}

export function newId(): string {
  return randomBytes(32).toString('hex');
}

async function replace(directory: string, record: object): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = path.join(directory, `${file}.new`);
  await writeFile(temporary, JSON.stringify(record), { mode: 0o600 });
  await rename(temporary, path.join(directory, file));
}

/**
 * A directory without a record was being made or removed when its owner died: nothing uses it yet, or any more.
 * @returns what is no record
 */
async function readAll<T extends { readonly id: string }>(
  directory: string,
  records: Map<string, T>,
): Promise<string[]> {
  const unreadable: string[] = [];
  for (const name of await readdir(directory)) {
    const recordFile = path.join(directory, name, file);
    try {
      const record = JSON.parse(await readFile(recordFile, 'utf8')) as T;
      records.set(record.id, record);
    } catch (error) {
      if (error instanceof SyntaxError) unreadable.push(recordFile);
      else if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return unreadable;
}
