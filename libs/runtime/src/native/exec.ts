import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { readFile, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, delay } from '#machinery';
import { killTree } from '../docker/process-tree';
import { type ExecOptions } from '../container-runtime';
import { type OciProcess, type OciSpec } from './oci/spec-types';
import { type OciRuntime } from './oci-runtime/oci-runtime';
import { tryProgram } from './run-program';

type Size = { readonly width: number; readonly height: number };

const lookMs = 10;
const looks = 200;
/** As a shell says it. */
const notFound = 127;
const notExecutable = 126;

/** `script` gives a terminal to the runtime, which copies between it and one inside. No value becomes part of the command. */
const inTerminal = 'exec "$RUNTIME" --root "$ROOT" exec --tty --pid-file "$PID_FILE" --process "$PROCESS" "$ID"';

/** Runs a command in a container. Rejects with the signal's reason when that aborts; the command is killed then. */
export async function execInContainer({ runtime, bundle, id, clock }: Target, options: ExecOptions): Promise<number> {
  const { signal, tty } = options;
  signal?.throwIfAborted();
  const name = path.join(bundle, `exec-${randomUUID()}`);
  const [processFile, pidFile] = [`${name}.json`, `${name}.pid`];
  const spec = JSON.parse(await readFile(path.join(bundle, 'config.json'), 'utf8')) as OciSpec;
  const { process: main } = spec;
  const env = tty ? ['TERM=xterm', ...main.env] : main.env;
  const command: OciProcess = { ...main, env, args: options.command, terminal: tty };
  await runtime.writeProcess(processFile, command, spec);
  const child = tty
    ? spawn('script', ['--quiet', '--return', '--command', inTerminal, '/dev/null'], {
        env: {
          PATH: process.env['PATH'],
          RUNTIME: runtime.program,
          ROOT: runtime.state,
          PID_FILE: pidFile,
          PROCESS: processFile,
          ID: id,
        },
      })
    : spawn(runtime.program, runtime.args('exec', '--pid-file', pidFile, '--process', processFile, id));
  const kill = async (): Promise<void> => {
    const pid = await readPid(pidFile);
    if (pid !== undefined) await killTree(pid);
    if (child.pid !== undefined && child.exitCode === null) await killTree(child.pid);
  };
  let killing: Promise<void> | undefined;
  const onAbort = (): void => void (killing = kill());
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString('latin1')}`.slice(-4096)));
  const sizes = options.resize?.[Symbol.asyncIterator]();
  try {
    if (sizes !== undefined) void followSizes(sizes, (size) => resizeTerminal(child, size, clock));
    const code = await copyStreams(child, options);
    await killing;
    signal?.throwIfAborted();
    if ((await readPid(pidFile)) !== undefined || code === 0) return code;
    return /executable file not found|no such file or directory/.test(said) ? notFound : notExecutable;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // Nobody waits for a source of sizes that never ends.
    void sizes?.return?.();
    await Promise.all([rm(processFile, { force: true }), rm(pidFile, { force: true })]);
  }
}

interface Target {
  readonly runtime: OciRuntime;
  readonly bundle: string;
  readonly id: string;
  readonly clock: Clock;
}

/** @returns the exit code; 128 and the signal's number if one ended the command */
export async function copyStreams(
  child: ChildProcess,
  { stdin, stdout, stderr }: Pick<ExecOptions, 'stdin' | 'stdout' | 'stderr'>,
): Promise<number> {
  const { stdin: input, stdout: output, stderr: errors } = child;
  // A command that closes its input ends the copying of input only.
  input?.on('error', () => undefined);
  if (stdin === undefined) input?.end();
  else if (input !== null) stdin.pipe(input);
  output?.pipe(stdout, { end: false });
  errors?.pipe(stderr ?? stdout, { end: false });
  // A reader that went away must not keep the command waiting.
  const onGone = (): void => void output?.resume();
  stdout.once('close', onGone);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code ?? 137;
  } finally {
    stdout.off('close', onGone);
    if (input !== null) stdin?.unpipe(input);
  }
}

/** A window that cannot be resized (the command has just ended) is not worth an error. */
export async function followSizes(sizes: AsyncIterator<Size>, setSize: (size: Size) => Promise<void>): Promise<void> {
  try {
    for (let next = await sizes.next(); next.done !== true; next = await sizes.next()) await setSize(next.value);
  } catch {
    return;
  }
}

/** The runtime hands a change of its own terminal's size on. */
async function resizeTerminal(script: ChildProcess, { width, height }: Size, clock: Clock): Promise<void> {
  for (let look = 0; look < looks && script.exitCode === null; look++) {
    const terminal = await terminalOf(script.pid ?? 0);
    if (terminal !== undefined) {
      await tryProgram('stty', ['-F', terminal, 'rows', String(height), 'cols', String(width)]);
      return;
    }
    await delay(clock, lookMs);
  }
}

/** The terminal of a process's first child. */
async function terminalOf(pid: number): Promise<string | undefined> {
  try {
    const [child] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ');
    const file = child === undefined || child === '' ? '' : await readlink(`/proc/${child}/fd/0`);
    return file.startsWith('/dev/pts/') ? file : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Undefined: the command was not started. */
async function readPid(file: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    return pid > 1 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
