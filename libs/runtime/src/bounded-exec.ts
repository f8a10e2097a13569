import { Writable } from 'node:stream';
import { type Clock } from '#machinery';
import { type ExecOptions } from './container-runtime';

const maxOutput = 16 * 1024;

/** Runs a command for a probe: bounded output, bounded time. */
export async function execBounded(
  clock: Clock,
  command: readonly string[],
  timeoutMs: number,
  exec: (options: ExecOptions) => Promise<number>,
): Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer; timedOut: boolean }> {
  const abort = new AbortController();
  const stdout = new BoundedOutput();
  const stderr = new BoundedOutput();
  const timer = clock.setTimer(timeoutMs, () => abort.abort(new Error('timed out')));
  try {
    const exitCode = await exec({ command, tty: false, stdout, stderr, signal: abort.signal });
    return { exitCode, stdout: stdout.bytes, stderr: stderr.bytes, timedOut: false };
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    return { exitCode: 137, stdout: stdout.bytes, stderr: stderr.bytes, timedOut: true };
  } finally {
    timer.cancel();
  }
}

/** Keeps the first 16 KiB. */
class BoundedOutput extends Writable {
  private readonly chunks: Buffer[] = [];
  private length = 0;

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const kept = chunk.subarray(0, maxOutput - this.length);
    if (kept.length > 0) this.chunks.push(kept);
    this.length += kept.length;
    done();
  }
}
