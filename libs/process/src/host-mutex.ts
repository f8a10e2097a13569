import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 10;
const TIMEOUT_MS = 5_000;

/**
 * Takes a name for the life of this process, or until `release`; undefined if another process of this machine (to be exact: of its
 * network namespace) has it. See `withHostMutex`.
 */
export async function holdHostMutex(name: string): Promise<{ release(): Promise<void> } | undefined> {
  if (process.platform !== 'linux') return { release: () => Promise.resolve() };
  const server = await bind(addressOf(name));
  return server && { release: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

/**
 * Runs `work` while no other process of this machine runs any with the same name. On Linux the mutex is an abstract socket
 * (unix(7)): the kernel lets one process bind it, and frees it when that process ends, however it ends. Elsewhere there is no mutex.
 */
export async function withHostMutex<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return work();
  const address = addressOf(name);
  for (const deadline = Date.now() + TIMEOUT_MS; ; await sleep(RETRY_MS)) {
    const server = await bind(address);
    if (server !== undefined) {
      try {
        return await work();
      } finally {
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    }
    if (Date.now() > deadline) throw new Error(`another process has been starting or stopping on ${name} for too long`);
  }
}

/** An abstract socket's address begins with a zero byte. */
function addressOf(name: string): string {
  return `\0nestor-${createHash('sha256').update(name).digest('hex')}`;
}

function bind(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => resolve(server));
  });
}
