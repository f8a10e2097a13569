import fs from 'node:fs/promises';
import { constants, type PathLike } from 'node:fs';
import { type Extent } from '../tar/sparse';
import { type Attributes } from './layer-tree';
import { mayGive } from './owners';

/** An open file to write, exclusively made: never what was there, never through a link. */
const exclusive = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The path of a layer's file for the kernel: names are bytes. */
export function kernelPath(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

export async function writeFile(
  path: PathLike,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  attributes: Attributes,
  sparse?: { readonly size: number; readonly extents: readonly Extent[] },
): Promise<void> {
  const handle = await fs.open(path, exclusive, 0o600);
  try {
    if (sparse === undefined) for await (const chunk of content) await writeAll(handle, chunk);
    else {
      await handle.truncate(sparse.size);
      await writeExtents(handle, content, sparse.extents);
    }
    if (mayGive(attributes)) await handle.chown(attributes.uid, attributes.gid);
    // After the owner, whose change takes set-id bits away.
    await handle.chmod(modeOf(attributes));
    await handle.utimes(attributes.mtime, attributes.mtime);
  } finally {
    await handle.close();
  }
}

/** Of a directory, a device or a FIFO, never of a symbolic link. */
export async function setAttributes(path: PathLike, attributes: Attributes): Promise<void> {
  if (mayGive(attributes)) await fs.lchown(path, attributes.uid, attributes.gid);
  await fs.chmod(path, modeOf(attributes));
  await fs.lutimes(path, attributes.mtime, attributes.mtime);
}

export async function makeSymlink(path: PathLike, target: string, attributes: Attributes): Promise<void> {
  await fs.symlink(Buffer.from(target, 'latin1'), path);
  if (mayGive(attributes)) await fs.lchown(path, attributes.uid, attributes.gid);
  await fs.lutimes(path, attributes.mtime, attributes.mtime);
}

function modeOf(attributes: Attributes): number {
  const { mode } = attributes;
  return mayGive(attributes) ? mode : mode & 0o1777;
}

async function writeAll(handle: fs.FileHandle, chunk: Buffer, position?: number): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await handle.write(
      chunk,
      at,
      chunk.length - at,
      position === undefined ? null : position + at,
    );
    at += bytesWritten;
  }
}

async function writeExtents(
  handle: fs.FileHandle,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  extents: readonly Extent[],
): Promise<void> {
  let index = 0;
  let written = 0;
  for await (let chunk of content) {
    while (chunk.length > 0) {
      const extent = extents[index];
      if (extent === undefined) throw new Error('not reached: extents add up to what is stored');
      const part = chunk.subarray(0, extent.length - written);
      await writeAll(handle, part, extent.offset + written);
      chunk = chunk.subarray(part.length);
      written += part.length;
      if (written === extent.length) {
        index++;
        written = 0;
      }
    }
  }
}
