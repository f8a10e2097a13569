import { type WebSocket } from 'ws';
import { type Status } from '#machinery';
import { channel } from '#streaming';
import { CommandChannels } from './channels';
import { findPod, findRunning } from './find-container';
import { HttpFailure } from './http-failure';
import { type StreamHandler } from './server-dependencies';

export const streamProtocols = ['v5.channel.k8s.io'] as const;

type Outcome = Omit<Status, 'kind' | 'apiVersion' | 'code'> & { code?: number };

const success: Outcome = { metadata: {}, status: 'Success' };

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The API's names and the kubelet's. */
export function streamsOf(query: URLSearchParams): Streams {
  const has = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const tty = has('tty');
  return { stdin: has('stdin', 'input'), stdout: has('stdout', 'output'), stderr: has('stderr', 'error') && !tty, tty };
}

/** /exec: runs a command in a container. Its outcome is a Status on the error channel. */
export const serveExec: StreamHandler = ({ parameters, query, dependencies }) => {
  const command = query.getAll('command');
  const streams = streamsOf(query);
  if (command.length === 0) throw new HttpFailure(400, 'you must specify at least 1 command');
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw new HttpFailure(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  findPod(dependencies, parameters);
  return async (socket) => {
    const channels = opened(socket, streams);
    try {
      const { id } = await findRunning(dependencies, parameters);
      const exitCode = await dependencies.runtime.exec(id, { command, ...optionsOf(channels, streams) });
      await channels.finish(exitCode === 0 ? success : nonZeroExit(command, exitCode));
    } catch (error) {
      await channels.finish(internalError(`error executing command in container: ${textOf(error)}`));
    }
  };
};

/** /attach: connects to a container's own process. */
export const serveAttach: StreamHandler = ({ parameters, query, dependencies }) => {
  const streams = streamsOf(query);
  findPod(dependencies, parameters);
  return async (socket) => {
    const channels = opened(socket, streams);
    try {
      const { id } = await findRunning(dependencies, parameters);
      await dependencies.runtime.attach(id, optionsOf(channels, streams));
      await channels.finish(success);
    } catch (error) {
      await channels.finish(internalError(`error attaching to container: ${textOf(error)}`));
    }
  };
};

/** Upstream's first message is an empty one: there are clients that wait for it. */
function opened(socket: WebSocket, { stdout, stderr }: Streams): CommandChannels {
  socket.send(Buffer.of(stdout ? channel.stdout : stderr ? channel.stderr : channel.error));
  return new CommandChannels(socket);
}

function optionsOf(channels: CommandChannels, { stdin, tty, stderr }: Streams) {
  return {
    tty,
    ...(stdin ? { stdin: channels.stdin } : {}),
    stdout: channels.writer(channel.stdout),
    ...(stderr ? { stderr: channels.writer(channel.stderr) } : {}),
    ...(tty ? { resize: channels.resizes() } : {}),
    signal: channels.closed,
  };
}

export function nonZeroExit(command: readonly string[], exitCode: number): Outcome {
  const cause = `error executing command [${command.join(' ')}], exit code ${exitCode}`;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${cause}`,
    // Not one of the API's reasons: this one exists in this protocol only.
    reason: 'NonZeroExitCode' as Status['reason'],
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

function internalError(message: string): Outcome {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
