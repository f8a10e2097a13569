import path from 'node:path';
import { type Logger } from '#telemetry';
import { type FileSystem } from '../files';

const SPARE = 'spare';
const UNFINISHED = 'spare.tmp';
const CHUNK = Buffer.alloc(256 * 1024);

/**
 * One segment's worth of zeros kept ready. Writing into blocks that exist already spares `fdatasync` the file system's
 * journal, and a segment handed back after a snapshot is one that a full disk need not find room for.
 */
export class SpareSegment {
  private isReady: boolean;
  private work: Promise<void> | undefined;

  /** @param names what the directory contains */
  constructor(
    private readonly files: FileSystem,
    private readonly directory: string,
    private readonly bytes: number,
    names: readonly string[],
    private readonly logger?: Logger,
  ) {
    this.isReady = names.includes(SPARE);
  }

  /** The file, now the caller's to rename; undefined if none is ready. */
  take(): string | undefined {
    if (!this.isReady) return undefined;
    this.isReady = false;
    return path.join(this.directory, SPARE);
  }

  /** Starts making one in the background, if there is none. */
  prepare(): void {
    if (this.isReady || this.work !== undefined) return;
    this.start(async () => {
      await this.fill('create');
    });
  }

  /** Takes a file that is not needed any more, or removes it if there is a spare already. */
  async recycle(file: string): Promise<void> {
    const isNeeded = !this.isReady && this.work === undefined;
    if (isNeeded) await this.files.rename(file, path.join(this.directory, UNFINISHED));
    else await this.files.remove(file);
    // Before it is overwritten, or the next one goes: a power failure must not bring back a hole in the log.
    await this.files.syncDirectory(this.directory);
    if (!isNeeded) return;
    this.start(() => this.fill('write'));
  }

  /** Waits for work in the background. */
  async settled(): Promise<void> {
    await this.work;
  }

  private start(work: () => Promise<void>): void {
    this.work = work()
      .then(
        () => {
          this.isReady = true;
        },
        // The next segment is then made when it is needed.
        (err: unknown) => this.logger?.warn({ err, directory: this.directory }, 'no spare log segment'),
      )
      .finally(() => {
        this.work = undefined;
      });
  }

  private async fill(mode: 'create' | 'write'): Promise<void> {
    const unfinished = path.join(this.directory, UNFINISHED);
    const file = await this.files.open(unfinished, mode);
    try {
      const bytes = Math.max(this.bytes, await file.size());
      for (let at = 0; at < bytes; at += CHUNK.length) {
        await file.write(CHUNK.subarray(0, Math.min(CHUNK.length, bytes - at)), at);
      }
      await file.datasync();
    } catch (error) {
      await file.close();
      await this.files.remove(unfinished);
      throw error;
    }
    await file.close();
    await this.files.rename(unfinished, path.join(this.directory, SPARE));
    await this.files.syncDirectory(this.directory);
  }
}
