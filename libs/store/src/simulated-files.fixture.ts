import path from 'node:path';
import { type FileSystem, type StoreFile } from './files';

type Operation = 'open' | 'write' | 'datasync' | 'truncate' | 'rename' | 'remove' | 'syncDirectory';

interface Inode {
  content: Buffer;
  durable: Buffer;
}

const SECTOR = 512;

/**
 * A file system in memory that can fail, stop, and lose power. What was not synced is lost by the sector: of each, the
 * old or the new content survives. Names are lost unless their directory was synced.
 */
export class SimulatedFiles implements FileSystem {
  /** Throws to make an operation fail; for a `write`, `part` of the bytes are written first. */
  fault: (operation: Operation, file: string) => void = () => undefined;
  part = 0;
  /** After so many operations nothing answers any more, as if the machine had stopped. */
  operationsLeft = Infinity;
  private names = new Map<string, Inode>();
  private durableNames = new Map<string, Inode>();

  async open(name: string, mode: 'create' | 'write' | 'read', isSynchronous = false): Promise<StoreFile> {
    await this.step('open', name);
    let inode = this.names.get(name);
    if (mode === 'create') {
      inode = { content: Buffer.alloc(0), durable: Buffer.alloc(0) };
      this.names.set(name, inode);
    }
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${name}`), { code: 'ENOENT' });
    return this.file(name, inode, isSynchronous);
  }

  async list(directory: string): Promise<string[]> {
    return [...this.names.keys()].filter((name) => path.dirname(name) === directory).map((name) => path.basename(name));
  }

  async makeDirectory(): Promise<void> {
    // Directories are as good as there.
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step('rename', from);
    const inode = this.names.get(from);
    if (inode === undefined) throw new Error(`ENOENT: ${from}`);
    this.names.delete(from);
    this.names.set(to, inode);
  }

  async remove(name: string): Promise<void> {
    await this.step('remove', name);
    this.names.delete(name);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.step('syncDirectory', directory);
    this.copyNames(directory);
  }

  /** What a machine finds after the power came back. @param random in [0, 1) */
  afterPowerFailure(random: () => number): SimulatedFiles {
    const result = new SimulatedFiles();
    const survivors = new Map(this.durableNames);
    for (const directory of new Set([...this.names.keys()].map((name) => path.dirname(name)))) {
      // The journal may have been written all the same.
      if (random() < 0.5) copyNames(this.names, survivors, directory);
    }
    for (const [name, inode] of survivors) {
      const content = torn(inode, random);
      const survivor = { content, durable: Buffer.from(content) };
      result.names.set(name, survivor);
      result.durableNames.set(name, survivor);
    }
    return result;
  }

  /** An independent copy of everything as it is now. */
  copy(): SimulatedFiles {
    const result = new SimulatedFiles();
    for (const [name, { content }] of this.names) {
      const inode = { content: Buffer.from(content), durable: Buffer.from(content) };
      result.names.set(name, inode);
      result.durableNames.set(name, inode);
    }
    return result;
  }

  /** The same files under another name. */
  under(alias: string, directory: string): FileSystem {
    const translate = (name: string): string => name.replace(alias, directory);
    return {
      open: (file, mode, isSynchronous) => this.open(translate(file), mode, isSynchronous),
      list: (name) => this.list(translate(name)),
      makeDirectory: () => this.makeDirectory(),
      rename: (from, to) => this.rename(translate(from), translate(to)),
      remove: (file) => this.remove(translate(file)),
      syncDirectory: (name) => this.syncDirectory(translate(name)),
    };
  }

  /** The files of a directory, to look at or to damage. */
  contents(directory: string): Map<string, Buffer> {
    const inside = [...this.names].filter(([name]) => path.dirname(name) === directory).sort();
    return new Map(inside.map(([name, inode]) => [name, inode.content]));
  }

  replace(name: string, content: Buffer): void {
    const inode = { content, durable: Buffer.from(content) };
    this.names.set(name, inode);
    this.durableNames.set(name, inode);
  }

  private file(name: string, inode: Inode, isSynchronous: boolean): StoreFile {
    const datasync = async (): Promise<void> => {
      await this.step('datasync', name);
      inode.durable = Buffer.from(inode.content);
    };
    return {
      read: async (position, length) => Buffer.from(inode.content.subarray(position, position + length)),
      write: async (data, position) => {
        // The caller may reuse its memory as soon as it is answered.
        const bytes = Buffer.from(data);
        try {
          await this.step('write', name);
        } catch (error) {
          inode.content = put(inode.content, bytes.subarray(0, Math.floor(bytes.length * this.part)), position);
          throw error;
        }
        inode.content = put(inode.content, bytes, position);
        if (!isSynchronous) return;
        // The power can fail, and the disk, between the one and the other.
        await this.step('datasync', name);
        // What O_DSYNC promises is promised of this write, and of no other.
        inode.durable = put(inode.durable, bytes, position);
      },
      datasync,
      truncate: async (length) => {
        await this.step('truncate', name);
        inode.content = Buffer.from(inode.content.subarray(0, length));
      },
      size: async () => inode.content.length,
      close: async () => undefined,
    };
  }

  private async step(operation: Operation, name: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.operationsLeft <= 0) await new Promise(() => undefined);
    this.operationsLeft--;
    this.fault(operation, name);
  }

  private copyNames(directory: string): void {
    copyNames(this.names, this.durableNames, directory);
  }
}

function copyNames(from: Map<string, Inode>, to: Map<string, Inode>, directory: string): void {
  for (const name of to.keys()) if (path.dirname(name) === directory && !from.has(name)) to.delete(name);
  for (const [name, inode] of from) if (path.dirname(name) === directory) to.set(name, inode);
}

/** Leaves `before` as it was. */
function put(before: Buffer, bytes: Buffer, position: number): Buffer {
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  bytes.copy(after, position);
  return after;
}

function torn({ content, durable }: Inode, random: () => number): Buffer {
  if (content.equals(durable)) return Buffer.from(content);
  const length = random() < 0.5 ? content.length : durable.length;
  const result = Buffer.alloc(length);
  for (let at = 0; at < length; at += SECTOR) {
    const source = random() < 0.5 ? content : durable;
    source.subarray(at, Math.min(at + SECTOR, length)).copy(result, at);
  }
  return result;
}
