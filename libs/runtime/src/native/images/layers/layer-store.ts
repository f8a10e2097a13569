import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Turns } from '#machinery';
import { type Logger } from '#telemetry';
import { absentOnly } from '../content/blob-store';
import { isOwned, ownerSuffix } from '../content/owner';
import { type ImageLimits } from '../options';
import { ContentError } from '../registry/registry-error';
import { TarError } from '../tar/header';
import { SharedTasks, type Waiter } from '../joined-tasks';
import { type DevicePolicy, LayerWriter } from './layer-writer';
import { SpecialFiles } from './special-files';
import { unpack } from './unpack';

const run = promisify(execFile);
/** Unpacking takes a core each, and a thread or two of the pool. */
const mostUnpacking = 2;

/** How far a layer is. */
export interface LayerProgress {
  /** The layer's diff id; empty while an archive is read. */
  readonly layer: string;
  readonly phase: 'reading' | 'downloading' | 'unpacking' | 'done';
  readonly current: number;
  readonly total: number;
}

/** One layer of a chain, the lowest first. */
export interface ChainLayer {
  readonly chainId: string;
  readonly diffId: string;
  /** Gets its archive; asked only if the layer is not there. */
  archive(signal: AbortSignal, progress: (progress: LayerProgress) => void): Promise<{ path: string; size: number }>;
  /** Told when the archive cannot be unpacked, so that a file that was damaged here is fetched again the next time. */
  reject?(): Promise<void>;
}

/** A layer below was removed while one was being put on it: begin again. */
export class LayersChangedError extends Error {
  override readonly name = 'LayersChangedError';

  constructor() {
    super('its layers were removed while it was being made');
  }
}

interface LayerRecord {
  readonly chainId: string;
  readonly diffId: string;
  readonly bytes: number;
}

export interface LayerStoreOptions {
  readonly directory: string;
  readonly limits: ImageLimits;
  readonly devices: DevicePolicy;
  readonly isDurable: boolean;
  readonly logger: Logger;
}

/**
 * Unpacked layers, by their chain id: what a layer is depends on those below it, namely the directories that it does not describe itself, and what it hides of
 * them. A layer is unpacked aside and renamed, so that it is here whole or not at all.
 */
export class LayerStore {
  private readonly layers: string;
  /** On the same file system; what is in it is of one process, and goes when that does. */
  readonly temporary: string;
  private readonly tasks = new SharedTasks<void, LayerProgress>();
  private readonly slots = new Turns(mostUnpacking);

  constructor(private readonly options: LayerStoreOptions) {
    this.layers = path.join(options.directory, 'layers');
    this.temporary = path.join(options.directory, 'tmp');
  }

  async open(): Promise<void> {
    for (const directory of [this.layers, this.temporary]) await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await fs.readdir(this.temporary)) {
      if (!isOwned(name)) await removeDirectory(path.join(this.temporary, name));
    }
  }

  /** The unpacked layer, whether it is there or not. Short, since overlayfs's options have to fit into a page. */
  directory(chainId: string): string {
    return path.join(this.home(chainId), 'fs');
  }

  async size(chainId: string): Promise<number | undefined> {
    return (await this.record(chainId))?.bytes;
  }

  /** Makes what is missing of a chain; layers are fetched and unpacked side by side, and put in place from the lowest up. */
  async ensure(chain: readonly ChainLayer[], waiter: Waiter<LayerProgress>): Promise<void> {
    const layer = chain.at(-1);
    if (layer === undefined) return;
    if ((await this.record(layer.chainId)) !== undefined) {
      // Those below are there as well, unless somebody removed them by hand; whoever took them away is told at once.
      return this.ensure(chain.slice(0, -1), waiter);
    }
    await this.tasks.run(layer.chainId, waiter, (signal, progress) => this.make(chain, layer, signal, progress));
  }

  /** Takes layers out of the way; `emptyTrash` frees their space, which takes longer. */
  async trash(chainId: string): Promise<void> {
    await fs.rename(this.home(chainId), this.newTemporary('trash')).catch(absentOnly);
  }

  async emptyTrash(): Promise<void> {
    for (const name of await fs.readdir(this.temporary)) {
      if (name.startsWith('trash-')) await removeDirectory(path.join(this.temporary, name));
    }
  }

  async list(): Promise<(LayerRecord & { readonly modifiedAt: number })[]> {
    const found: (LayerRecord & { modifiedAt: number })[] = [];
    for (const name of await fs.readdir(this.layers)) {
      const file = path.join(this.layers, name, 'layer.json');
      const record = await readRecord(file);
      const stats = await fs.stat(file).catch(absentOnly);
      if (record !== undefined && stats !== undefined) found.push({ ...record, modifiedAt: stats.mtimeMs });
    }
    return found;
  }

  /** A name for a new file or directory of this process alone. */
  newTemporary(what: string): string {
    return path.join(this.temporary, `${what}-${randomBytes(8).toString('hex')}.${ownerSuffix}`);
  }

  private async make(
    chain: readonly ChainLayer[],
    layer: ChainLayer,
    signal: AbortSignal,
    progress: (progress: LayerProgress) => void,
  ): Promise<void> {
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const home = this.newTemporary('layer');
    const failures: unknown[] = [];
    const orAbort = async <T>(work: Promise<T>): Promise<T | undefined> => {
      try {
        return await work;
      } catch (error) {
        failures.push(error);
        failing.abort(error);
        return undefined;
      }
    };
    try {
      // The layers below first in every line.
      const below = orAbort(this.ensure(chain.slice(0, -1), { signal: either, progress }));
      const unpacked = await orAbort(this.unpackAside(home, layer, either, progress));
      await below;
      if (failures.length > 0 || unpacked === undefined) throw failures[0];
      const problem = await this.finish(unpacked.writer, chain.slice(0, -1));
      if (problem !== undefined) {
        this.options.logger.warn({ layer: layer.diffId, problem }, 'extended attributes of a layer are lost');
      }
      const { bytes } = unpacked;
      await this.putInPlace(home, { chainId: layer.chainId, diffId: layer.diffId, bytes });
      progress({ layer: layer.diffId, phase: 'done', current: bytes, total: bytes });
    } finally {
      await removeDirectory(home);
    }
  }

  /** The layers below must be the same before and after, or what was seen of them may be half. */
  private async finish(writer: LayerWriter, below: readonly ChainLayer[]): Promise<string | undefined> {
    const lowers = below.map(({ chainId }) => this.directory(chainId)).reverse();
    const before = await inodesOf(lowers);
    const problem = await writer.finish(lowers);
    const after = await inodesOf(lowers);
    if (before.some((inode, at) => inode === undefined || inode !== after[at])) throw new LayersChangedError();
    return problem;
  }

  private async unpackAside(
    home: string,
    layer: ChainLayer,
    signal: AbortSignal,
    progress: (progress: LayerProgress) => void,
  ): Promise<{ writer: LayerWriter; bytes: number }> {
    const archive = await layer.archive(signal, progress);
    return this.slots.run(async () => {
      signal.throwIfAborted();
      const [root, special] = [path.join(home, 'fs'), path.join(home, 'special')];
      for (const directory of [home, root, special]) await fs.mkdir(directory, { mode: 0o700 });
      const writer = new LayerWriter(root, new SpecialFiles(special), this.options.devices);
      try {
        const { diffId, bytes } = await unpack(archive.path, writer, {
          limits: this.options.limits,
          signal,
          progress: (current) => progress({ layer: layer.diffId, phase: 'unpacking', current, total: archive.size }),
        });
        if (diffId !== layer.diffId)
          throw new ContentError(`wrong diff id calculated on extraction "${diffId}", expected "${layer.diffId}"`);
        return { writer, bytes };
      } catch (error) {
        await writer.abandon();
        if (isDamage(error)) await layer.reject?.();
        throw error;
      }
    });
  }

  private async putInPlace(home: string, record: LayerRecord): Promise<void> {
    await removeDirectory(path.join(home, 'special'));
    await fs.writeFile(path.join(home, 'layer.json'), JSON.stringify(record), { mode: 0o600 });
    // One syncfs(2) in place of thousands of fsync(2), which Node has no call for.
    if (this.options.isDurable) await run('sync', ['--file-system', home]);
    try {
      await fs.rename(home, this.home(record.chainId));
    } catch (error) {
      // Another process was faster: its layer is the same.
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  private home(chainId: string): string {
    return path.join(this.layers, chainId.slice('sha256:'.length, 'sha256:'.length + 32));
  }

  private async record(chainId: string): Promise<LayerRecord | undefined> {
    const record = await readRecord(path.join(this.home(chainId), 'layer.json'));
    return record?.chainId === chainId ? record : undefined;
  }
}

function inodesOf(directories: readonly string[]): Promise<(bigint | undefined)[]> {
  return Promise.all(
    directories.map(async (directory) => (await fs.stat(directory, { bigint: true }).catch(absentOnly))?.ino),
  );
}

/** What is wrong with an archive, as opposed to what hinders us. */
function isDamage(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return error instanceof ContentError || error instanceof TarError || code.startsWith('Z_');
}

async function readRecord(file: string): Promise<LayerRecord | undefined> {
  const text = await fs.readFile(file, 'utf8').catch(absentOnly);
  return text === undefined ? undefined : (JSON.parse(text) as LayerRecord);
}

/** Follows no link. Directories of images may forbid even their owner to look into them, who then is not root. */
async function removeDirectory(directory: string): Promise<void> {
  try {
    await fs.rm(directory, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    await run('chmod', ['--recursive', 'u+rwX', '--', directory]);
    await fs.rm(directory, { recursive: true, force: true });
  }
}
