import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** An open file. Positions and lengths are bytes. */
export interface StoreFile {
  /** Fewer bytes than asked for at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /** Writes all of `data`, or rejects with an unknown part of it written. */
  write(data: Uint8Array, position: number): Promise<void>;
  /** The data, and as much metadata as it takes to read it, survive a power failure once this resolves. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** What the store needs of a file system: few enough verbs to be able to fail each of them in a test. */
export interface FileSystem {
  /**
   * `create` empties an existing file; the others want it to exist.
   * @param isSynchronous each write is as durable as `datasync` makes it, in one call to the system rather than two
   */
  open(file: string, mode: 'create' | 'write' | 'read', isSynchronous?: boolean): Promise<StoreFile>;
  /** Names, in no order. */
  list(directory: string): Promise<string[]>;
  /** With its parents; nothing if it exists. */
  makeDirectory(directory: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Makes creations, renames and removals in the directory survive a power failure. */
  syncDirectory(directory: string): Promise<void>;
}

export function isNoSpace(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

const open = promisify(fs.open);
const read = promisify(fs.read);
const write = promisify(fs.write);
const fstat = promisify(fs.fstat);
const ftruncate = promisify(fs.ftruncate);
const fdatasync = promisify(fs.fdatasync);
const close = promisify(fs.close);

const { O_CREAT, O_DSYNC, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
const FLAGS = { create: O_RDWR | O_CREAT | O_TRUNC, write: O_RDWR, read: O_RDONLY } as const;
/** Elsewhere the flag does not reach through the drive's own cache, or is not there. */
const HAS_DSYNC = process.platform === 'linux';

class NodeFile implements StoreFile {
  /** @param needsSync after each write */
  constructor(
    private readonly descriptor: number,
    private readonly needsSync: boolean,
  ) {}

  async read(position: number, length: number): Promise<Buffer> {
    const memory = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await read(this.descriptor, memory, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return memory.subarray(0, done);
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < data.length) {
      const { bytesWritten } = await write(this.descriptor, data, done, data.length - done, position + done);
      done += bytesWritten;
    }
    if (this.needsSync) await this.datasync();
  }

  datasync(): Promise<void> {
    return fdatasync(this.descriptor);
  }

  truncate(length: number): Promise<void> {
    return ftruncate(this.descriptor, length);
  }

  async size(): Promise<number> {
    return (await fstat(this.descriptor)).size;
  }

  close(): Promise<void> {
    return close(this.descriptor);
  }
}

/** The real one. Nobody but the owner may read what it creates: the store holds every Secret. */
export const nodeFileSystem: FileSystem = {
  async open(file, mode, isSynchronous = false) {
    const flags = FLAGS[mode] | (isSynchronous && HAS_DSYNC ? O_DSYNC : 0);
    return new NodeFile(await open(file, flags, 0o600), isSynchronous && !HAS_DSYNC);
  },
  list: (directory) => fs.promises.readdir(directory),
  async makeDirectory(directory) {
    const first = await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
    if (first !== undefined) await this.syncDirectory(path.dirname(first));
  },
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (file) => fs.promises.unlink(file),
  async syncDirectory(directory) {
    const handle = await fs.promises.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
