import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SpecialFile {
  readonly type: 'character' | 'block' | 'fifo';
  readonly major: number;
  readonly minor: number;
}

/**
 * Devices, FIFOs and overlayfs's whiteouts, which Node cannot make. The program `mknod` makes them under a name of ours in `directory` (which must be on the same
 * file system as the layer, and not be part of it); from there they are moved or linked to where they belong, so that no name of an image is an argument.
 */
export class SpecialFiles {
  private count = 0;
  private whiteout: Promise<string> | undefined;

  constructor(private readonly directory: string) {}

  async make(path: Buffer, { type, major, minor }: SpecialFile): Promise<void> {
    const made = await this.mknod(type === 'fifo' ? ['p'] : [type === 'block' ? 'b' : 'c', `${major}`, `${minor}`]);
    await fs.rename(made, path);
  }

  /** A character device 0/0 (Linux, Documentation/filesystems/overlayfs.rst). All are links to one, as the kernel itself does it. */
  async makeWhiteout(path: Buffer): Promise<void> {
    this.whiteout ??= this.mknod(['c', '0', '0']);
    try {
      await fs.link(await this.whiteout, path);
    } catch (error) {
      // A file has no more links than that: begin with another.
      if ((error as NodeJS.ErrnoException).code !== 'EMLINK') throw error;
      this.whiteout = this.mknod(['c', '0', '0']);
      await fs.link(await this.whiteout, path);
    }
  }

  private async mknod(what: readonly string[]): Promise<string> {
    const path = `${this.directory}/${this.count++}`;
    await run('mknod', ['-m', '600', path, ...what]);
    return path;
  }
}
