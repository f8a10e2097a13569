import { once } from 'node:events';
import { type Socket } from 'node:net';
import { type Readable } from 'node:stream';
import { type ExecInspectInfo } from 'dockerode';
import { type Clock, delay } from '#machinery';
import { type ExecOptions, RuntimeError } from '../container-runtime';
import { type Engine } from './engine';
import { framesOf } from './multiplexed';
import { killTree } from './process-tree';

/** How often and how long to ask for the exit code of a command whose output has ended. */
const pollMs = 5;
const polls = 400;

type Size = { readonly width: number; readonly height: number };

/** Runs a command in a container. Rejects with the signal's reason when that aborts; the command is killed then. */
export async function execInContainer(
  engine: Engine,
  clock: Clock,
  container: string,
  options: ExecOptions,
): Promise<number> {
  const { command, tty, stdin, signal } = options;
  signal?.throwIfAborted();
  const id = await engine.call(
    (docker) =>
      docker.createExec(container, {
        Cmd: [...command],
        Tty: tty,
        AttachStdin: stdin !== undefined,
        AttachStdout: true,
        AttachStderr: !tty,
      }),
    'invalid-argument',
  );
  const inspect = (): Promise<ExecInspectInfo> => engine.call((docker) => docker.inspectExec(id));
  const socket = await engine.call((docker) => docker.startExec(id, { Detach: false, Tty: tty }));
  const resize = ({ width, height }: Size): Promise<unknown> =>
    engine.call((docker) => docker.resizeExec(id, { w: width, h: height }));
  try {
    await copyBothWays(socket, options, resize);
    return await exitCodeOf(inspect, clock);
  } catch (error) {
    if (signal?.aborted === true) await killTree((await inspect()).Pid);
    throw error;
  }
}

/** Input, output and window size of a container's main process, until it ends or `signal` aborts. */
export async function attachToContainer(
  engine: Engine,
  container: string,
  tty: boolean,
  options: Omit<ExecOptions, 'command'>,
): Promise<void> {
  const query = { stream: true, stdout: true, stderr: true, stdin: options.stdin !== undefined };
  const socket = await engine.call((docker) => docker.attachContainer(container, query));
  await copyBothWays(socket, { ...options, tty }, ({ width, height }) =>
    engine.call((docker) => docker.resizeContainer(container, { w: width, h: height })),
  );
}

async function copyBothWays(
  socket: Socket,
  { tty, stdin, stdout, stderr, resize, signal }: Omit<ExecOptions, 'command'>,
  setSize: (size: Size) => Promise<unknown>,
): Promise<void> {
  const onAbort = (): void => void socket.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  const input = stdin === undefined ? undefined : copyInput(stdin, socket);
  const sizes = resize?.[Symbol.asyncIterator]();
  const resizing = sizes === undefined ? undefined : followSizes(sizes, setSize);
  // Errors of the writing side (the command closed its input) end the copying of input only; the reading side tells the rest.
  socket.on('error', () => undefined);
  try {
    for await (const { stream, payload } of framesOf(socket, tty)) {
      const output = stream === 'stderr' && stderr !== undefined ? stderr : stdout;
      if (output.destroyed) break;
      if (!output.write(payload)) await once(output, 'drain', signal === undefined ? {} : { signal });
    }
    signal?.throwIfAborted();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    input?.();
    socket.destroy();
    // A source of sizes that never ends must not keep a finished command: nobody waits for it.
    void sizes?.return?.();
    void resizing;
  }
}

/** @returns ends the copying */
function copyInput(stdin: Readable, socket: Socket): () => void {
  const onError = (): void => void socket.end();
  stdin.on('error', onError);
  stdin.pipe(socket);
  return () => {
    stdin.unpipe(socket);
    stdin.off('error', onError);
  };
}

/** A window that cannot be resized (the command has just ended) is not worth an error. */
async function followSizes(sizes: AsyncIterator<Size>, setSize: (size: Size) => Promise<unknown>): Promise<void> {
  try {
    for (let next = await sizes.next(); next.done !== true; next = await sizes.next()) await setSize(next.value);
  } catch (error) {
    if (!(error instanceof RuntimeError)) return;
  }
}

async function exitCodeOf(inspect: () => Promise<ExecInspectInfo>, clock: Clock): Promise<number> {
  for (let attempt = 0; attempt < polls; attempt++) {
    const { Running, ExitCode } = await inspect();
    if (!Running && ExitCode !== null) return ExitCode;
    await delay(clock, pollMs);
  }
  throw new RuntimeError('unavailable', 'the command closed its output but did not exit');
}
