import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { readFile, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, delay } from '#machinery';
import { killTree } from '../docker/process-tree';
import { type ExecOptions } from '../container-runtime';
import { type OciProcess } from './oci/spec-types';
import { type OciRuntime, readSpec } from './oci-runtime/oci-runtime';
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
  const spec = await readSpec(bundle);
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
    if (sizes !== undefined) void followSizes(sizes, (size) => resizeTerminal(child, size, pidFile, clock));
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

/**
 * Sizes the terminal of the runtime, from which it takes later sizes, and the one inside that it makes: whether it has heard of a change while it
 * made it is a matter of luck.
 */
async function resizeTerminal(
  script: ChildProcess,
  { width, height }: Size,
  pidFile: string,
  clock: Clock,
): Promise<void> {
  const resize = async (terminal: string): Promise<void> => {
    await tryProgram('stty', ['-F', terminal, 'rows', String(height), 'cols', String(width)]);
  };
  let isOuterSized = false;
  for (let look = 0; look < looks && script.exitCode === null; look++) {
    if (!isOuterSized) {
      const outer = await terminalOf(await firstChild(script.pid ?? 0));
      if (outer !== undefined) await resize(outer);
      isOuterSized = outer !== undefined;
    }
    const pid = isOuterSized ? await readPid(pidFile) : undefined;
    // The name is one in the container: the file is reached by who has it open.
    if (pid !== undefined) return (await terminalOf(pid)) === undefined ? undefined : resize(`/proc/${pid}/fd/0`);
    await delay(clock, lookMs);
  }
}

async function firstChild(pid: number): Promise<number | undefined> {
  const children = await unlessGone(readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
  return Number(children?.split(' ')[0]) || undefined;
}

/** The terminal that a process reads from. */
async function terminalOf(pid: number | undefined): Promise<string | undefined> {
  const file = pid === undefined ? undefined : await unlessGone(readlink(`/proc/${pid}/fd/0`));
  return file?.startsWith('/dev/pts/') === true ? file : undefined;
}

async function unlessGone<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
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
