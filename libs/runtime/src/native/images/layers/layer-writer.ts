import fs from 'node:fs/promises';
import { type TarEntry, type TarHeader } from '../tar/tar-reader';
import { kernelPath, makeSymlink, setAttributes, writeFile } from './layer-files';
import {
  checkedName,
  type DirectoryNode,
  type LayerNode,
  LayerTree,
  newDirectory,
  pathOf,
  UnsafeLayerError,
} from './layer-tree';
import { lowerDirectory, lowerEntries, type LowerLayers } from './lower-layers';
import { type SpecialFiles } from './special-files';
import { isWanted, setXattrs } from './xattrs';

/** What to do with device nodes of an image. Containers get a /dev of their own, so nothing misses those that are left out. */
export type DevicePolicy = 'ignore' | 'refuse' | 'create';

const whiteoutPrefix = '.wh.';
const opaqueMarker = '.wh..wh..opq';
/** Of aufs's own affairs, such as its hard links. */
const metadataPrefix = '.wh..wh.';
/** Files up to this size are written while the next entries are read, so many at a time. */
const smallFile = 64 * 1024;
const mostWrites = 8;

/**
 * Writes the entries of a layer into an empty directory, in the form in which overlayfs stacks it on the layers below. See `LayerTree` for why nothing
 * can be written elsewhere. Rejects with `UnsafeLayerError`; the directory is then of no use.
 */
export class LayerWriter {
  private readonly tree = new LayerTree();
  private readonly writes = new Set<Promise<void>>();
  private readonly ignored = new Set<string>();
  private failure: Error | undefined;

  constructor(
    /** Nobody but this process's user may write in it, or in what it is in. */
    private readonly root: string,
    private readonly special: SpecialFiles,
    private readonly devices: DevicePolicy,
  ) {}

  async add({ header, content }: TarEntry): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const place = this.tree.place(header.path);
    if (place === undefined) {
      if (header.type !== 'directory') throw new UnsafeLayerError('the root of a layer is no directory');
      this.describe(this.tree.root, header);
      return;
    }
    for (const made of place.made) await this.clearAndMake(made);
    if (place.name.startsWith(whiteoutPrefix)) return this.addWhiteout(place.parent, place.name);
    await this.addNode(place.parent, checkedName(place.name), header, content);
  }

  /**
   * Gives directories their attributes, spells out what hides the layers below, and sets extended attributes. Resolves with what could not be done, for the log.
   * Wherever an image has an opaque directory, there is a whiteout for each name that it hides: this needs no attribute that only root, or only a newer kernel,
   * may set.
   */
  async finish(lowers: LowerLayers): Promise<string | undefined> {
    await this.settle();
    const xattrs = new Map<string, ReadonlyMap<string, Buffer>>();
    await this.finishDirectory(this.tree.root, lowers, xattrs);
    return xattrs.size === 0 ? undefined : setXattrs(this.root, xattrs);
  }

  /** Waits for what is being written; for those who give up. Does not reject. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.writes);
  }

  private async addNode(
    parent: DirectoryNode,
    name: string,
    header: TarHeader,
    content: AsyncIterable<Buffer>,
  ): Promise<void> {
    const existing = parent.children.get(name);
    if (header.type === 'directory') {
      if (existing?.kind === 'directory') return this.describe(existing, header);
      const directory = newDirectory(parent, name);
      this.describe(directory, header);
      return this.clearAndMake(directory, existing);
    }
    if (header.type === 'hardlink') return this.addHardLink(parent, name, header, existing);
    const isDevice = header.type === 'character' || header.type === 'block';
    if (isDevice && this.devices !== 'create') {
      if (this.devices === 'ignore') {
        this.ignored.add(withoutRoot(header.path));
        return;
      }
      throw new UnsafeLayerError(`${JSON.stringify(header.path)} is a device, which are not allowed`);
    }
    const node = nodeOf(parent, name, header);
    const path = this.pathOf(node);
    await this.replace(existing, path);
    parent.children.set(name, node);
    if (header.type === 'symlink') await makeSymlink(path, header.linkPath, header);
    else if (header.type === 'file') await this.addFile(path, header, content);
    else {
      // What looks like a whiteout would be one.
      if (header.type === 'character' && header.major === 0 && header.minor === 0) {
        throw new UnsafeLayerError(`${JSON.stringify(header.path)} is a whiteout in disguise`);
      }
      await this.special.make(path, { type: header.type, major: header.major, minor: header.minor });
      await setAttributes(path, header);
    }
  }

  private async addFile(path: Buffer, header: TarHeader, content: AsyncIterable<Buffer>): Promise<void> {
    const sparse = header.extents === undefined ? undefined : { size: header.size, extents: header.extents };
    if (sparse !== undefined || header.size > smallFile) return writeFile(path, content, header, sparse);
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    if (this.writes.size >= mostWrites) await Promise.race(this.writes);
    const write: Promise<void> = writeFile(path, chunks, header)
      .catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.writes.delete(write));
    this.writes.add(write);
  }

  private async addHardLink(
    parent: DirectoryNode,
    name: string,
    header: TarHeader,
    existing: LayerNode | undefined,
  ): Promise<void> {
    const target = this.tree.find(header.linkPath);
    if (target === undefined || target.kind === 'directory' || target.kind === 'whiteout') {
      if (this.ignored.has(withoutRoot(header.linkPath))) return;
      throw new UnsafeLayerError(
        `${JSON.stringify(header.path)} is a link to ${JSON.stringify(header.linkPath)}, which is no file of its layer`,
      );
    }
    if (target === existing) return;
    if (existing !== undefined && isIn(target, existing)) {
      throw new UnsafeLayerError(`${JSON.stringify(header.path)} replaces the directory of what it is a link to`);
    }
    await this.settle();
    const node: LayerNode = { ...target, name, parent };
    const path = this.pathOf(node);
    const source = this.pathOf(target);
    await this.replace(existing, path);
    await fs.link(source, path);
    parent.children.set(name, node);
  }

  private async addWhiteout(parent: DirectoryNode, name: string): Promise<void> {
    if (name === opaqueMarker) {
      parent.isOpaque = true;
      return;
    }
    if (name.startsWith(metadataPrefix)) return;
    const hidden = checkedName(name.slice(whiteoutPrefix.length));
    const existing = parent.children.get(hidden);
    // Whiteouts speak of the layers below only (OCI image specification, "Whiteouts").
    if (existing?.kind === 'directory') existing.isOpaque = true;
    if (existing === undefined) await this.makeWhiteout(parent, hidden);
  }

  private async makeWhiteout(parent: DirectoryNode, name: string): Promise<void> {
    const node: LayerNode = { kind: 'whiteout', name, parent };
    await this.special.makeWhiteout(this.pathOf(node));
    parent.children.set(name, node);
  }

  private describe(directory: DirectoryNode, header: TarHeader): void {
    directory.attributes = { mode: header.mode, uid: header.uid, gid: header.gid, mtime: header.mtime };
    directory.xattrs = xattrsOf(header);
  }

  /** Until it is finished only this process may go in, and may do everything there. */
  private async clearAndMake(directory: DirectoryNode, existing?: LayerNode): Promise<void> {
    const path = this.pathOf(directory);
    await this.replace(existing, path, existing !== undefined || directory.isOpaque);
    await fs.mkdir(path, 0o700);
  }

  /** Takes away what is in the way; `rm` follows no link. */
  private async replace(
    existing: LayerNode | undefined,
    path: Buffer,
    isThere = existing !== undefined,
  ): Promise<void> {
    if (!isThere) return;
    await this.settle();
    if (existing?.kind === 'directory') await removeTree(this.root, existing);
    else await fs.unlink(path);
  }

  private async settle(): Promise<void> {
    await Promise.allSettled(this.writes);
    if (this.failure !== undefined) throw this.failure;
  }

  private async finishDirectory(
    directory: DirectoryNode,
    lowers: LowerLayers,
    xattrs: Map<string, ReadonlyMap<string, Buffer>>,
  ): Promise<void> {
    const path = pathOf(directory);
    if (directory.isOpaque) await this.hideLower(directory, path, lowers);
    for (const child of directory.children.values()) {
      if (child.kind === 'directory') await this.finishDirectory(child, lowers, xattrs);
      else if (child.xattrs !== undefined && child.xattrs.size > 0) xattrs.set(pathOf(child), child.xattrs);
    }
    if (directory.xattrs !== undefined && directory.xattrs.size > 0) xattrs.set(path, directory.xattrs);
    await setAttributes(this.pathOf(directory), directory.attributes ?? (await inherited(lowers, path)));
  }

  private async hideLower(directory: DirectoryNode, path: string, lowers: LowerLayers): Promise<void> {
    for (const [name, isDirectory] of await lowerEntries(lowers, path)) {
      const own = directory.children.get(name);
      if (own === undefined) await this.makeWhiteout(directory, name);
      else if (own.kind === 'directory' && isDirectory) own.isOpaque = true;
    }
  }

  private pathOf(node: LayerNode): Buffer {
    return kernelPath(this.root, pathOf(node));
  }
}

function nodeOf(parent: DirectoryNode, name: string, header: TarHeader): LayerNode {
  const common = { name, parent, xattrs: xattrsOf(header) };
  if (header.type === 'symlink') {
    if (header.linkPath === '' || header.linkPath.includes('\0') || header.linkPath.length > 4095) {
      throw new UnsafeLayerError(`${JSON.stringify(header.path)} is a symbolic link to nothing possible`);
    }
    return { ...common, kind: 'symlink', target: header.linkPath };
  }
  return { ...common, kind: header.type === 'file' ? 'file' : 'special' };
}

function xattrsOf({ xattrs }: TarHeader): ReadonlyMap<string, Buffer> | undefined {
  const wanted = [...xattrs].filter(([name]) => isWanted(name));
  return wanted.length === 0 ? undefined : new Map(wanted);
}

function isIn(node: LayerNode, directory: LayerNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === directory) return true;
  return false;
}

function withoutRoot(path: string): string {
  return path.replace(/^(\.?\/)+/, '');
}

/** A directory that only its contents name is what it is in the layers below, or else an ordinary one. */
async function inherited(lowers: LowerLayers, path: string) {
  const stats = await lowerDirectory(lowers, path);
  if (stats === undefined) return { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
  return { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, mtime: stats.mtimeMs / 1000 };
}

/** By the names that are known to be there, so that names of any bytes go, and no link is followed. */
async function removeTree(root: string, directory: DirectoryNode): Promise<void> {
  for (const child of directory.children.values()) {
    if (child.kind === 'directory') await removeTree(root, child);
    else await fs.unlink(kernelPath(root, pathOf(child)));
  }
  await fs.rmdir(kernelPath(root, pathOf(directory)));
}
