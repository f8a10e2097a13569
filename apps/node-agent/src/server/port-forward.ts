import { type Duplex } from 'node:stream';
import { createWebSocketStream } from 'ws';
import { type SpdyStream, spdyServer } from '#streaming';
import { uidOf } from '../pods/pod-containers';
import { connectToPod } from './connect-to-pod';
import { findPod } from './find-container';
import { joined } from './joined';
import { type ServerDependencies, type StreamHandler } from './server-dependencies';

/** SPDY frames in WebSocket messages (KEP-4006). */
export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
}

/** /portForward: each connection is a pair of streams with one request id, one for bytes and one for what went wrong. */
export const servePortForward: StreamHandler = ({ parameters, dependencies }) => {
  const pod = findPod(dependencies, parameters);
  return async (socket, gone) => {
    const tunnel = createWebSocketStream(socket);
    tunnel.on('error', (error) => dependencies.logger.debug({ err: error }, 'port-forward tunnel ended'));
    const connection = await spdyServer(tunnel);
    const pairs = new Map<string, Pair>();
    connection.on('error', (error) => dependencies.logger.debug({ err: error }, 'port-forward ended'));
    connection.on('stream', (stream) => {
      const { streamtype, port = '', requestid = '' } = stream.headers;
      stream.on('error', (error) => dependencies.logger.debug({ err: error }, 'port-forward stream ended'));
      stream.respond(200, {});
      const pair = pairs.get(requestid) ?? {};
      pairs.set(requestid, pair);
      if (streamtype === 'error') pair.error = stream;
      else pair.data = stream;
      if (pair.data === undefined || pair.error === undefined) return;
      pairs.delete(requestid);
      void forward(dependencies, uidOf(pod), Number(port), { data: pair.data, error: pair.error }, gone);
    });
    connection.start(3.1);
    await new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve(), { once: true }));
    connection.end();
    tunnel.destroy();
  };
};

/** Never rejects: the client reads errors from the error stream. */
async function forward(
  dependencies: ServerDependencies,
  uid: string,
  port: number,
  { data, error }: Required<Pair>,
  signal: AbortSignal,
): Promise<void> {
  let target: Duplex | undefined;
  const onAbort = (): void => {
    data.destroy();
    target?.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    target = await connectToPod(dependencies, uid, port);
    if (signal.aborted) return onAbort();
    await joined(data, target);
    error.end();
  } catch (cause) {
    dependencies.logger.debug({ err: cause, port }, 'port not forwarded');
    const text = cause instanceof Error ? cause.message : String(cause);
    error.end(`error forwarding port ${port} to pod ${uid}, uid : ${text}`);
    data.end();
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
