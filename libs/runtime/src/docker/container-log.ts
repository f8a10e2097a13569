import { once } from 'node:events';
import { type Writable } from 'node:stream';
import { type LogOptions } from '../container-runtime';
import { type Engine } from './engine';
import { type Frame, framesOf } from './multiplexed';

/** `2026-01-01T00:00:00.000000000Z ` */
const stampLength = 31;
const newline = 10;

/**
 * Copies a container's log. The engine stores a long line in pieces of 16 KiB and stamps each of them; here a line has one timestamp, at its beginning.
 */
export async function copyLog(
  engine: Engine,
  { id, tty }: { readonly id: string; readonly tty: boolean },
  options: LogOptions,
  outputs: { readonly stdout: Writable; readonly stderr: Writable },
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted === true || options.limitBytes === 0) return;
  const source = await engine.call((docker) =>
    docker.containerLogs(id, {
      follow: options.follow,
      timestamps: options.timestamps,
      stdout: options.stream !== 'Stderr',
      stderr: options.stream !== 'Stdout',
      ...(options.tailLines === undefined ? {} : { tail: options.tailLines }),
      ...(options.since === undefined ? {} : { since: (options.since / 1000).toFixed(9) }),
    }),
  );
  const stop = (): void => void source.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  let budget = options.limitBytes ?? Infinity;
  const lines = new LineStamps();
  try {
    for await (const frame of framesOf(source, tty)) {
      const text = options.timestamps && !tty ? lines.strip(frame) : frame.payload;
      const bytes = text.subarray(0, budget);
      budget -= bytes.length;
      if (bytes.length > 0) await write(frame.stream === 'stderr' ? outputs.stderr : outputs.stdout, bytes, signal);
      if (budget <= 0 || isAborted(signal)) return;
    }
  } catch (error) {
    if (!isAborted(signal)) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    source.destroy();
  }
}

/** Takes the timestamp off a frame that continues the line before it. */
class LineStamps {
  private readonly isOpen = { stdout: false, stderr: false };
  private toDrop = 0;

  strip({ stream, payload, isFirst, isLast }: Frame): Buffer {
    if (isFirst) this.toDrop = this.isOpen[stream] ? stampLength : 0;
    const dropped = Math.min(this.toDrop, payload.length);
    this.toDrop -= dropped;
    if (isLast) this.isOpen[stream] = payload[payload.length - 1] !== newline;
    return payload.subarray(dropped);
  }
}

async function write(output: Writable, bytes: Buffer, signal: AbortSignal | undefined): Promise<void> {
  if (output.destroyed) throw new Error('the reader of the log went away');
  if (!output.write(bytes)) await once(output, 'drain', signal === undefined ? {} : { signal });
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
