import { once } from 'node:events';
import { type Writable } from 'node:stream';
import { type LogOptions } from '../container-runtime';

const maxLines = 1000;

interface Line {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly text: string;
}

/** The log of a simulated container: its last lines, all on standard output. */
export class FakeLog {
  private readonly lines: Line[] = [];
  private dropped = 0;
  private isEnded = false;
  private wake: (() => void)[] = [];

  append(text: string, time: number): void {
    this.lines.push({ text, time });
    if (this.lines.length > maxLines) {
      this.lines.shift();
      this.dropped++;
    }
    this.notify();
  }

  /** No more will come: readers that follow are done. */
  end(): void {
    this.isEnded = true;
    this.notify();
  }

  async copyTo(options: LogOptions, stdout: Writable, signal?: AbortSignal): Promise<void> {
    if (options.stream === 'Stderr') return;
    let budget = options.limitBytes ?? Infinity;
    const since = options.since ?? -Infinity;
    const first = options.tailLines === undefined ? 0 : Math.max(0, this.lines.length - options.tailLines);
    for (let next = this.dropped + first; budget > 0 && signal?.aborted !== true;) {
      const line = this.lines[Math.max(0, next - this.dropped)];
      if (line === undefined) {
        if (!options.follow || this.isEnded) return;
        await this.more(signal);
        continue;
      }
      next = Math.max(next, this.dropped) + 1;
      if (line.time < since) continue;
      const stamp = options.timestamps ? `${new Date(line.time).toISOString().slice(0, -1)}000000Z ` : '';
      const bytes = Buffer.from(`${stamp}${line.text}\n`).subarray(0, budget);
      budget -= bytes.length;
      if (!stdout.write(bytes)) await once(stdout, 'drain', signal === undefined ? {} : { signal }).catch(endOfReader);
    }
  }

  private more(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.wake.push(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  private notify(): void {
    for (const wake of this.wake.splice(0)) wake();
  }
}

/** An aborted wait is looked at by the loop; a broken reader is the caller's error. */
function endOfReader(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}
