import { chmod, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where everything of one cluster lives. */
export interface DataDirectory {
  readonly root: string;
  readonly kubeconfig: string;
  readonly pidFile: string;
  readonly lockFile: string;
  readonly socket: string;
  readonly logFile: string;
  readonly clusterFile: string;
  readonly pki: string;
  readonly store: string;
  /** Of a cluster on three members: who they are, and what they keep. */
  readonly membersFile: string;
  readonly members: string;
  /** Of `nestor store trio`. */
  readonly trio: string;
  readonly nodes: string;
  readonly images: string;
}

/** `NESTOR_HOME`, or `~/.nestor`. */
export function defaultDataDirectory(env: NodeJS.ProcessEnv): string {
  return env['NESTOR_HOME'] ? resolve(env['NESTOR_HOME']) : join(homedir(), '.nestor');
}

export function dataDirectory(path: string): DataDirectory {
  const root = resolve(path);
  return {
    root,
    kubeconfig: join(root, 'kubeconfig'),
    pidFile: join(root, 'nestor.pid'),
    lockFile: join(root, 'nestor.lock'),
    socket: join(root, 'nestor.sock'),
    logFile: join(root, 'nestor.log'),
    clusterFile: join(root, 'cluster.json'),
    pki: join(root, 'pki'),
    store: join(root, 'store'),
    membersFile: join(root, 'store-members.json'),
    members: join(root, 'store-members'),
    trio: join(root, 'trio'),
    nodes: join(root, 'nodes'),
    images: join(root, 'images'),
  };
}

/** Creates the directory, readable by its owner only. */
export async function ensureDataDirectory(directory: DataDirectory): Promise<void> {
  await mkdir(directory.root, { mode: 0o700 }).catch(async (error: NodeJS.ErrnoException) => {
    // Not recursive from the start: that reports a read-only file system as a path that is missing.
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
    await mkdir(directory.root, { recursive: true, mode: 0o700 });
  });
  await chmod(directory.root, 0o700);
}
