import net from 'node:net';
import { type Duplex } from 'node:stream';
import tls from 'node:tls';
import { type ApiError, serviceUnavailable } from '#machinery';

/** Where a proxied request goes. */
export interface Backend {
  readonly scheme: 'http' | 'https';
  /** `host:port`, by which the backend may speak of itself. */
  readonly authority: string;
  /** A connection for one request. @throws ServiceUnavailable */
  connect(signal: AbortSignal): Promise<Duplex>;
}

/** As long as upstream waits for a connection. */
const connectMs = 30_000;

/** What clients show when a backend cannot be reached: upstream's words. */
export function unreachable(reason: string): ApiError {
  return serviceUnavailable(`error trying to reach service: ${reason}`);
}

/** @throws ServiceUnavailable */
export function dial(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: connectMs, signal });
    const fail = (reason: string): void =>
      reject(unreachable(`dial tcp ${net.isIPv6(host) ? `[${host}]` : host}:${port}: ${reason}`));
    socket.once('timeout', () => {
      fail('i/o timeout');
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => fail(reasons[error.code ?? ''] ?? error.message));
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** As Go names them. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

/** TLS over a connection. @throws ServiceUnavailable */
export function secure(socket: Duplex, options: tls.ConnectionOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ ALPNProtocols: ['http/1.1'], ...options, socket });
    secured.on('error', (error: Error) => {
      socket.destroy();
      reject(unreachable(error.message));
    });
    secured.once('secureConnect', () => resolve(secured));
  });
}
