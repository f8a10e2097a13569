import { type Duplex } from 'node:stream';

/** Copies both ways until both ends have ended; a half-closed connection goes on. */
export function joined(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = 2;
    const ended = (): void => {
      if (--open === 0) resolve();
    };
    // One that closes before its end takes the other with it.
    const closed = (from: Duplex, to: Duplex) => (): void => {
      if (!from.readableEnded) to.destroy();
      resolve();
    };
    const fail = (error: Error): void => {
      a.destroy();
      b.destroy();
      reject(error);
    };
    a.on('error', fail).on('end', ended).on('close', closed(a, b)).pipe(b);
    b.on('error', fail).on('end', ended).on('close', closed(b, a)).pipe(a);
  });
}
