import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './control-socket';
import { type DataDirectory } from './data-directory';
import { describe, nextSteps } from './report';
import { UserError } from './user-error';
import { type UpOptions } from './commands/up';

const POLL_MS = 50;
const LOG_TAIL_LINES = 20;

/** Runs `nestor up` in a session of its own and returns when the cluster is ready, or fails with what it said last. */
export async function startDetached(directory: DataDirectory, options: UpOptions): Promise<void> {
  const console_ = `${directory.root}/nestor.out`;
  // Appended to: another start may be writing to it, and is then told from what it says.
  const output = await open(console_, 'a', 0o600);
  const { size } = await output.stat();
  const child = spawn(process.execPath, [process.argv[1] ?? '', 'up', ...argumentsOf(options)], {
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  await output.close();
  let exit: string | undefined;
  child.once('exit', (code, signal) => (exit = signal ?? `exit code ${code}`));
  child.once('error', (error) => (exit = error.message));
  let activity = '';
  for (;;) {
    const report = await ask(directory.socket, 'report');
    if (report?.phase === 'ready') {
      console.log(`\n${describe(report, Date.now())}\n${nextSteps(directory.kubeconfig)}`);
      break;
    }
    if (report !== undefined && report.activity !== activity) {
      activity = report.activity;
      console.log(`  ${activity}`);
    }
    // It ends well if another start was faster: then that one is waited for.
    if (exit !== undefined && (exit !== 'exit code 0' || report === undefined)) {
      const lines = (await readFile(console_)).subarray(size).toString('utf8').trim().split('\n');
      throw new UserError(`the cluster did not start (${exit}):\n${lines.slice(-LOG_TAIL_LINES).join('\n')}`);
    }
    await sleep(POLL_MS);
  }
  child.removeAllListeners();
  child.unref();
}

function argumentsOf(options: UpOptions): string[] {
  return [
    ...['--data-dir', options.dataDir],
    ...['--port', String(options.port)],
    ...['--runtime', options.runtime],
    ...['--nodes', String(options.nodes)],
    ...['--log-level', options.logLevel],
    ...(options.ha ? ['--ha'] : []),
    ...(options.bus === undefined ? [] : ['--bus', options.bus]),
  ];
}
