import { type IncomingMessage } from 'node:http';
import { type Clock } from '#machinery';
import { Refusal } from './refusal';

/** A sender of whom nothing comes for so long, while it is waited for, stands still. */
const SILENCE_MS = 30_000;

/** All of it. @throws Refusal if that is more than `maxBytes` */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Refusal(413, `a question of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** As it comes. Fails when its sender goes away or stands still; who does not want the rest can still answer. */
export async function* untilSilent(request: IncomingMessage, clock: Clock): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  const next = async (): Promise<IteratorResult<Buffer, undefined>> => {
    const timer = clock.setTimer(SILENCE_MS, () => request.destroy(new Error('nothing has come for too long')));
    try {
      return await chunks.next();
    } finally {
      timer.cancel();
    }
  };
  for (let chunk = await next(); chunk.done !== true; chunk = await next()) yield chunk.value;
}
