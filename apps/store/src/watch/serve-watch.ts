import { type Duplex } from 'node:stream';
import { type etcdserverpb } from '#etcd';
import { type Call } from '../call';
import { requestsOf } from '../served-method';
import { WatchSession, type WatchSessionContext } from './watch-session';

/**
 * Serves one watch stream. Rejects when the client is gone, or with what the store or the server's stop ends it with. A client that has
 * nothing more to ask goes on hearing, as with etcd.
 */
export async function serveWatch(stream: Duplex, call: Call, context: WatchSessionContext): Promise<void> {
  let fail: (reason: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const { signal } = call;
  const onStop = (): void => fail(signal.reason as Error);
  const onClose = (): void => fail(new Error('the client has gone away'));
  signal.addEventListener('abort', onStop, { once: true });
  stream.once('close', onClose);
  const session = new WatchSession(
    { ...context, permit: (range) => call.caller().checkRead(range) },
    (message, taken) => stream.write(message, () => taken()),
    fail,
  );
  try {
    signal.throwIfAborted();
    await Promise.race([receive(stream, session), failed]);
    await failed;
  } finally {
    session.end();
    signal.removeEventListener('abort', onStop);
    stream.off('close', onClose);
  }
}

/** One request after the other, and none while the client has answers to read. */
async function receive(stream: Duplex, session: WatchSession): Promise<void> {
  for await (const request of requestsOf<etcdserverpb.WatchRequest>(stream)) {
    await session.hasRoom();
    await session.receive(request);
  }
}
