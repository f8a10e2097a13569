import net from 'node:net';
import { startDeadline } from './deadline';
import { dialError } from './dial-error';
import { type ProbeResult } from './probe-state';

/** Succeeds when a connection opens. */
export function tcpConnect(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const socket = net.connect({ host, port });
    const stop = startDeadline(timeoutMs, () =>
      finish({ outcome: 'failure', message: `dial tcp ${address}: i/o timeout` }),
    );
    const finish = (result: ProbeResult): void => {
      stop();
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => finish({ outcome: 'success', message: '' }));
    socket.once('error', (error) => finish({ outcome: 'failure', message: dialError(error, address) }));
  });
}
