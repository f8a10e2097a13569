import fs from 'node:fs';
import path from 'node:path';
import { fakeTimeLibrary } from '../tools/requirements';

const SHARED_MEMORY = '/dev/shm';

/**
 * The wall clock of a process that can be put wrong while it runs: libfaketime stands before libc, and reads from a file how wrong.
 * Monotonic time goes on as it does.
 */
export class WallClock {
  private readonly file: string;

  constructor(directory: string) {
    this.file = path.join(directory, 'clock');
  }

  /** libfaketime leaves something of every process that was killed. */
  static tidy(): void {
    for (const name of fs.readdirSync(SHARED_MEMORY)) {
      const [, pid] = /faketime_(?:shm|sem)_(\d+)$/.exec(name) ?? [];
      if (pid !== undefined && !fs.existsSync(`/proc/${pid}`))
        fs.rmSync(path.join(SHARED_MEMORY, name), { force: true });
    }
  }

  /** What a process has to be started with. */
  get env(): Record<string, string> {
    this.set(0);
    return {
      LD_PRELOAD: fakeTimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** @param seconds ahead of ours, or behind if it is negative */
  set(seconds: number): void {
    // In one step: it may be read at any time.
    fs.writeFileSync(`${this.file}.new`, `${seconds < 0 ? '' : '+'}${seconds}`);
    fs.renameSync(`${this.file}.new`, this.file);
  }
}
