import { type Socket } from 'node:net';
import { FirstFrames, SETTINGS } from './first-frames';

/** A client that is silent for so long has said all that it will say before it is answered. */
const SILENCE_MS = 2_000;
/** So many silences, and it is gone. */
const PATIENCE = 5;

/**
 * Reads how an HTTP/2 connection begins, puts it in order where it has to be (see `FirstFrames`), and hands the connection on with all that
 * was read still, or again, to be read. Destroys one that says nothing.
 */
export function beginHttp2(socket: Socket, handOver: (socket: Socket) => void): void {
  let beginning = Buffer.alloc(0);
  let frames: FirstFrames | undefined;
  let silences = 0;
  const done = (rest: Buffer): void => {
    socket.off('readable', onReadable).off('timeout', onTimeout).off('end', onEnd).setTimeout(0);
    socket.unshift(rest);
    handOver(socket);
    socket.off('error', onError);
  };
  const onReadable = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    if (frames === undefined) {
      beginning = Buffer.concat([beginning, bytes]);
      const mayBeNeeded = FirstFrames.mayBeNeeded(beginning);
      if (mayBeNeeded === undefined) return;
      if (!mayBeNeeded) return done(beginning);
      frames = new FirstFrames();
      socket.write(SETTINGS);
      if (frames.push(beginning)) done(frames.rest);
    } else if (frames.push(bytes)) done(frames.rest);
  };
  const onTimeout = (): void => {
    if (frames?.canGoOn) return done(frames.rest);
    if (++silences === PATIENCE) socket.destroy();
    else socket.setTimeout(SILENCE_MS);
  };
  const onEnd = (): void => void socket.destroy();
  const onError = (): void => undefined;
  socket.on('readable', onReadable).on('timeout', onTimeout).on('end', onEnd).on('error', onError);
  socket.setTimeout(SILENCE_MS);
}
