import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '../tools/eventually';
import { freePort } from '../tools/free-ports';

export interface EtcdServer {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** A real etcd with one member and an empty directory, which goes with it. */
export async function startEtcd(flags: readonly string[] = []): Promise<EtcdServer> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-etcd-'));
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    'etcd',
    [
      ...['--data-dir', directory, '--name', 'store'],
      ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `store=${peer}`],
      ...flags,
    ],
    { stdio: 'ignore' },
  );
  const stop = async (): Promise<void> => {
    await kill(child);
    fs.rmSync(directory, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      const { health } = (await (await fetch(`${endpoint}/health`)).json()) as { health: string };
      if (health !== 'true') throw new Error('etcd has no leader yet');
    }, 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, stop };
}

/** Ends a process for good, whatever it is doing. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
