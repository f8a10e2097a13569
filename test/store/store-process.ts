import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type StoreServerConfig } from '../../apps/store';
import { kill } from './etcd-server';

export interface StoreProcess {
  readonly child: ChildProcess;
  /** `host:port`. */
  readonly address: string;
  kill(): Promise<void>;
}

/** Our store on a directory, in a process that can be killed and stopped in its tracks. */
export async function startStoreProcess(config: StoreServerConfig & { directory: string }): Promise<StoreProcess> {
  const script = path.join(__dirname, 'serve-store.cjs');
  const child = spawn(process.execPath, [script, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the store server ended before it served');
  });
  const [address] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string];
  ended.catch(() => undefined);
  return { child, address, kill: () => kill(child) };
}
