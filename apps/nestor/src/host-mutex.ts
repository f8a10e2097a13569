import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 10;
const TIMEOUT_MS = 5_000;

/**
 * Runs `work` while no other process of this machine runs any with the same name. On Linux the mutex is an abstract socket
 * (unix(7)): the kernel lets one process bind it, and frees it when that process ends, however it ends. Elsewhere there is no mutex.
 */
export async function withHostMutex<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return work();
  const address = `\0nestor-${createHash('sha256').update(name).digest('hex')}`;
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
