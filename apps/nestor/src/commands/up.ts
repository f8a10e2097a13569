import { ask } from '../control-socket';
import { dataDirectory, ensureDataDirectory, type DataDirectory } from '../data-directory';
import { startDetached } from '../detach';
import { describe } from '../report';
import { isOrdinaryUser } from '../rootless';
import { type WantedRuntime } from '../runtime-choice';
import { UserError } from '../user-error';

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly runtime: WantedRuntime;
  readonly nodes: number;
  readonly bus?: string;
  /** Begin the cluster on three members of the store; one that was begun so goes on so. */
  readonly ha: boolean;
  readonly detach: boolean;
  readonly logLevel: string;
}

const MAX_SOCKET_PATH_BYTES = 103;

/** Starts a cluster, or tells about the one that already runs on the data directory. */
export async function up(options: UpOptions): Promise<void> {
  const directory = dataDirectory(options.dataDir);
  try {
    await startOrTell(directory, options);
  } catch (error) {
    const { explainStart } = await import('../start-error.js');
    throw explainStart(error, { root: directory.root, port: options.port });
  }
}

async function startOrTell(directory: DataDirectory, options: UpOptions): Promise<void> {
  checkSocketPath(directory);
  await ensureDataDirectory(directory);
  const running = await ask(directory.socket, 'report');
  if (running !== undefined) {
    console.log(`A cluster is already running here.\n\n${describe(running, Date.now())}`);
    return;
  }
  if (isOrdinaryUser()) {
    const { startInside } = await import('../inside.js');
    await startInside(directory, options);
  }
  if (options.detach) return startDetached(directory, options);
  const { runForeground } = await import('../foreground.js');
  await runForeground(directory, options);
}

/** unix(7): a longer path is cut off, silently. */
function checkSocketPath({ socket, root }: DataDirectory): void {
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH_BYTES) return;
  throw new UserError(`the path ${root} is too long: ${socket} must not be over ${MAX_SOCKET_PATH_BYTES} bytes`);
}
