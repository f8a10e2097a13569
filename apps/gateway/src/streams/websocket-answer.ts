import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type WebSocket } from 'ws';
import { badRequest, genericServerResponse } from '#machinery';
import { type RenderOptions, representation } from '../http/render';
import { streamWatch } from '../http/watch-response';
import { type ApiResult } from '../request/api-result';
import { acceptWebSocket } from './accept-web-socket';
import { offeredProtocols, type Upgrade } from './negotiate';

/** For bytes that come as they come, as logs; "" is who names none. */
const byteProtocols: readonly string[] = ['', 'binary.k8s.io', 'base64.binary.k8s.io'];

/** An answer that goes on, as messages: a watch or a log. Rejects with `ApiError` as long as the client can be told. */
export async function answerByWebSocket(upgrade: Upgrade, result: ApiResult, options: RenderOptions): Promise<void> {
  const offered = offeredProtocols(upgrade.incoming);
  if (result.type === 'watch') {
    const socket = await acceptWebSocket(upgrade, offered[0] ?? '');
    streamWatch(messages(socket, 'text'), result, representation(options.accept, true), options, () => undefined);
    return;
  }
  if (result.type !== 'stream') throw genericServerResponse(404);
  const protocol = offered.find((name) => byteProtocols.includes(name));
  if (protocol === undefined) {
    result.body.destroy();
    throw badRequest(
      `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${byteProtocols.join(' ')}]`,
    );
  }
  const socket = await acceptWebSocket(upgrade, protocol);
  const form = protocol.startsWith('base64') ? 'base64' : 'binary';
  // An empty message tells that the answer has begun.
  socket.send('', { binary: form === 'binary' });
  // A client that goes away in the middle is no error, and a node that does cuts the answer short.
  await pipeline(result.body, messages(socket, form)).catch(() => socket.terminate());
}

/** Each write is a message; the end closes the connection. */
function messages(socket: WebSocket, form: 'binary' | 'base64' | 'text'): Writable {
  const writable = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const message = form === 'binary' ? chunk : chunk.toString(form === 'text' ? 'utf8' : 'base64');
      socket.send(message, { binary: form === 'binary' }, (error) => done(error ?? null));
    },
    final: (done) => {
      socket.close(1000);
      done();
    },
    destroy: (error, done) => {
      // Not ended in good order.
      if (socket.readyState === socket.OPEN) socket.terminate();
      done(error);
    },
  });
  socket.once('close', () => writable.destroy());
  return writable;
}
