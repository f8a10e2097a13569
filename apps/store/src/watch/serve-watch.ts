import { type ServerDuplexStream } from '@grpc/grpc-js';
import { type etcdserverpb } from '#etcd';
import { WatchSession, type WatchSessionContext } from './watch-session';

/** Responses are encoded before they get here. */
export type WatchStream = ServerDuplexStream<etcdserverpb.WatchRequest, Buffer>;

/** Serves one watch stream. Resolves when the client has ended it; rejects when it is gone, or with what the store or `stop` ends it with. */
export async function serveWatch(stream: WatchStream, context: WatchSessionContext, stop: AbortSignal): Promise<void> {
  let fail: (reason: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const onStop = (): void => fail(stop.reason as Error);
  const onClose = (): void => fail(new Error('the client has gone away'));
  stop.addEventListener('abort', onStop, { once: true });
  stream.once('close', onClose);
  const session = new WatchSession(context, (message, taken) => stream.write(message, () => taken()), fail);
  try {
    stop.throwIfAborted();
    await Promise.race([receive(stream, session), failed]);
  } finally {
    session.end();
    stop.removeEventListener('abort', onStop);
    stream.off('close', onClose);
  }
}

/** One request after the other, and none while the client has answers to read. */
async function receive(stream: WatchStream, session: WatchSession): Promise<void> {
  for await (const request of stream) {
    await session.hasRoom();
    await session.receive(request as etcdserverpb.WatchRequest);
  }
}
