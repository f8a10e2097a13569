import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { decompress } from '../layers/decompress';
import { type ImageLimits } from '../options';
import { ContentError } from '../registry/registry-error';
import { readTar } from '../tar/tar-reader';

export interface SpooledFile {
  readonly path: string;
  /** sha256 of what is in it. */
  readonly digest: string;
  readonly size: number;
}

const mostEntries = 10_000;
const mostLinks = 8;

/**
 * The files of an archive of images, on disk under names of ours: order and names in the archive are its own affair. Its links are looked up here, never made.
 */
export class Spool {
  private readonly files = new Map<string, SpooledFile>();
  private readonly links = new Map<string, string>();

  private constructor(private readonly directory: string) {}

  /** Reads the archive, packed or not, to its end. `directory` is made, and to be removed by the caller, also when this rejects. */
  static async read(
    source: AsyncIterable<Buffer>,
    directory: string,
    limits: ImageLimits,
    progress: (bytes: number) => void,
  ): Promise<Spool> {
    await fs.mkdir(directory, { mode: 0o700 });
    const spool = new Spool(directory);
    let entries = 0;
    for await (const { header, content } of readTar(decompress(counted(source, progress)))) {
      if (++entries > mostEntries) throw new ContentError(`the archive has more than ${mostEntries} entries`);
      if (header.size > limits.layerBytes)
        throw new ContentError(`the archive has a file larger than ${limits.layerBytes} bytes`);
      const name = normalize(header.path);
      if (header.type === 'file') spool.files.set(name, await store(path.join(directory, `${entries}`), content));
      else if (header.type === 'symlink') {
        spool.links.set(name, normalize(path.posix.join(path.posix.dirname(name), header.linkPath)));
      } else if (header.type === 'hardlink') spool.links.set(name, normalize(header.linkPath));
    }
    return spool;
  }

  find(name: string): SpooledFile | undefined {
    let at = normalize(name);
    for (let links = 0; links < mostLinks; links++) {
      const file = this.files.get(at);
      if (file !== undefined) return file;
      at = this.links.get(at) ?? at;
    }
    return undefined;
  }

  get(name: string): SpooledFile {
    const file = this.find(name);
    if (file === undefined) throw new ContentError(`the archive has no ${name}`);
    return file;
  }

  /** A blob of an OCI layout; throws if it is not what it is called. */
  blob(digest: string): SpooledFile {
    const file = this.get(`blobs/${digest.replace(':', '/')}`);
    if (file.digest !== digest) throw new ContentError(`unexpected digest ${file.digest}, expected ${digest}`);
    return file;
  }

  async content(file: SpooledFile, most: number): Promise<Buffer> {
    if (file.size > most) throw new ContentError(`the archive has a description larger than ${most} bytes`);
    return fs.readFile(file.path);
  }

  async remove(): Promise<void> {
    await fs.rm(this.directory, { recursive: true, force: true });
  }
}

/** Writes a stream into a new file. */
export async function store(file: string, content: AsyncIterable<Buffer>): Promise<SpooledFile> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await fs.open(file, 'wx', 0o600);
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.length;
      await handle.appendFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return { path: file, digest: `sha256:${hash.digest('hex')}`, size };
}

export async function* counted(
  source: AsyncIterable<Buffer>,
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    progress(bytes);
    yield chunk;
  }
}

function normalize(name: string): string {
  return path.posix.join('/', name).slice(1);
}
