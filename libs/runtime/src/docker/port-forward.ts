import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { RuntimeError } from '../container-runtime';

/**
 * Connects its standard streams to a port of the network namespace it runs in, on either loopback address. Its first byte says that the connection stands.
 */
const script = `
const net = require('node:net');
const connect = (hosts, first) => {
  const socket = net.connect({ host: hosts[0], port: Number(process.argv[1]), allowHalfOpen: true });
  const failed = (error) => hosts.length > 1 ? connect(hosts.slice(1), error) : (process.stderr.write((first ?? error).message), process.exit(1));
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    socket.on('error', () => process.exit(0));
    process.stdout.write('+');
    process.stdin.pipe(socket).pipe(process.stdout);
    socket.on('end', () => process.stdout.end());
    process.stdout.on('error', () => process.exit(0));
    socket.on('close', () => process.exit(0));
  });
};
connect(['127.0.0.1', '::1']);
`;

/** A connection to a port of a pod: over the bridge, and if nothing listens there, from inside its network namespace. */
export async function forwardPort(
  target: { readonly ip?: string; readonly pid: number },
  port: number,
): Promise<Duplex> {
  if (target.ip !== undefined) {
    const socket = net.connect({ host: target.ip, port, allowHalfOpen: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      // Nothing listens on that address: servers in pods may listen on loopback only.
      socket.destroy();
    }
  }
  return forwardFromInside(target.pid, port);
}

async function forwardFromInside(pid: number, port: number): Promise<Duplex> {
  const child = spawn('nsenter', ['-t', String(pid), '-n', process.execPath, '-e', script, String(port)], {
    stdio: 'pipe',
  });
  try {
    await connected(child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  const kill = (): void => void child.kill('SIGKILL');
  stream.once('close', kill).once('error', kill);
  // A stream with data under way closes only when that is gone, which may be never: the process goes first.
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error) => {
    kill();
    return destroy(error);
  };
  return stream;
}

/** Reads the byte that says so. */
function connected(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    let problem = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (problem += text));
    child.once('error', (error) => reject(new RuntimeError('unavailable', `cannot run nsenter: ${error.message}`)));
    child.once('close', () =>
      reject(new RuntimeError('invalid-argument', problem.trim() || 'the connection was closed')),
    );
    child.stdout.once('readable', () => {
      if (child.stdout.read(1) !== null) resolve();
    });
  });
}
