import { createWriteStream, openSync, renameSync, statSync, type WriteStream } from 'node:fs';

export interface RotatingLogOptions {
  /** A file that would grow beyond this is put aside. */
  readonly maxBytes: number;
  /** How many files are kept beside the current one: `<path>.1` (the newest), `<path>.2` … */
  readonly keep: number;
  /** Called for the first failure; lines that cannot be written are lost. */
  readonly onError: (error: Error) => void;
}

/** A log that does not fill the disk. Lines stay whole; a restarted process goes on where the file ends. */
export class RotatingLog {
  private stream: WriteStream | undefined;
  private size: number;
  private hasFailed = false;
  private readonly ending = new Set<Promise<void>>();

  constructor(
    private readonly path: string,
    private readonly options: RotatingLogOptions,
  ) {
    this.size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.stream = this.open();
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.size > 0 && this.size + bytes > this.options.maxBytes) this.rotate();
    this.size += bytes;
    if (this.stream?.destroyed === false) this.stream.write(line);
  }

  /** Resolves when everything is written. */
  async end(): Promise<void> {
    this.close(this.stream);
    await Promise.all(this.ending);
  }

  private rotate(): void {
    // What is still buffered goes to the file that is put aside: its descriptor does not follow the name.
    this.close(this.stream);
    try {
      for (let age = this.options.keep - 1; age >= 0; age--) {
        const from = age === 0 ? this.path : `${this.path}.${age}`;
        if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${this.path}.${age + 1}`);
      }
    } catch (error) {
      this.fail(error as Error);
    }
    this.size = 0;
    this.stream = this.open();
  }

  /** At once, so that a rename that follows finds the file. */
  private open(): WriteStream | undefined {
    try {
      const stream = createWriteStream(this.path, { fd: openSync(this.path, 'a', 0o600) });
      stream.on('error', (error) => this.fail(error));
      return stream;
    } catch (error) {
      this.fail(error as Error);
      return undefined;
    }
  }

  private close(stream: WriteStream | undefined): void {
    const closed = new Promise<void>((resolve) => {
      if (stream === undefined || stream.destroyed) return resolve();
      stream.once('close', () => resolve());
      stream.end();
    }).finally(() => this.ending.delete(closed));
    this.ending.add(closed);
  }

  private fail(error: Error): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.options.onError(error);
  }
}
