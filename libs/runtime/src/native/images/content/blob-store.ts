import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { digestOf, parseDigest } from './digest';
import { isOwned, ownerSuffix } from './owner';

/** Files by the digest of what is in them. A file is here whole, or not at all. */
export class BlobStore {
  private readonly blobs: string;
  private readonly partials: string;

  constructor(directory: string) {
    this.blobs = path.join(directory, 'blobs');
    this.partials = path.join(directory, 'partial');
  }

  async open(): Promise<void> {
    for (const directory of [path.join(this.blobs, 'sha256'), path.join(this.blobs, 'sha512'), this.partials]) {
      await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    }
  }

  path(digest: string): string {
    const parsed = parseDigest(digest);
    if (parsed === undefined) throw new Error(`${digest} is no digest`);
    return path.join(this.blobs, parsed.algorithm, parsed.hex);
  }

  async size(digest: string): Promise<number | undefined> {
    return sizeOf(this.path(digest));
  }

  read(digest: string): Promise<Buffer> {
    return fs.readFile(this.path(digest));
  }

  /** @returns its digest */
  async write(content: Buffer, digest = digestOf(content)): Promise<string> {
    if ((await this.size(digest)) !== undefined) return digest;
    const draft = path.join(this.partials, `draft-${randomBytes(8).toString('hex')}.${ownerSuffix}`);
    await fs.writeFile(draft, content, { mode: 0o600, flush: true });
    await this.adopt(draft, digest);
    return digest;
  }

  /** Takes a file that has been checked, from anywhere on the same file system. */
  async adopt(file: string, digest: string): Promise<void> {
    await fs.chmod(file, 0o600);
    await fs.rename(file, this.path(digest));
  }

  async remove(digest: string): Promise<void> {
    await fs.rm(this.path(digest), { force: true });
  }

  async list(): Promise<{ readonly digest: string; readonly size: number; readonly modifiedAt: number }[]> {
    const found: { digest: string; size: number; modifiedAt: number }[] = [];
    for (const algorithm of ['sha256', 'sha512']) {
      for (const hex of await fs.readdir(path.join(this.blobs, algorithm))) {
        const stats = await fs.stat(path.join(this.blobs, algorithm, hex)).catch(absentOnly);
        if (stats !== undefined)
          found.push({ digest: `${algorithm}:${hex}`, size: stats.size, modifiedAt: stats.mtimeMs });
      }
    }
    return found;
  }

  /** What an interrupted download has left of a blob, ours from now on: its file, there or not. */
  async claimPartial(digest: string): Promise<string> {
    const [free, mine] = [this.partialPath(digest), `${this.partialPath(digest)}.${ownerSuffix}`];
    await fs.rename(free, mine).catch(absentOnly);
    return mine;
  }

  /** For whoever comes next. */
  async releasePartial(digest: string): Promise<void> {
    await fs.rename(`${this.partialPath(digest)}.${ownerSuffix}`, this.partialPath(digest)).catch(absentOnly);
  }

  /**
   * Partial downloads of processes that are gone become free; those that nobody has touched since `before` (milliseconds since the epoch) go.
   * @returns how many bytes went
   */
  async cleanPartials(before: number): Promise<number> {
    let freed = 0;
    for (const name of await fs.readdir(this.partials)) {
      if (isOwned(name)) continue;
      const file = path.join(this.partials, name);
      const stats = await fs.stat(file).catch(absentOnly);
      if (stats === undefined) continue;
      const base = name.replace(/\.\d+-\d+$/, '');
      if (stats.mtimeMs < before || base.startsWith('draft-')) {
        await fs.rm(file, { force: true });
        freed += stats.size;
      } else if (base !== name) await fs.rename(file, path.join(this.partials, base)).catch(absentOnly);
    }
    return freed;
  }

  async partialBytes(): Promise<number> {
    const names = await fs.readdir(this.partials);
    const sizes = await Promise.all(names.map((name) => sizeOf(path.join(this.partials, name))));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  private partialPath(digest: string): string {
    return path.join(this.partials, digest.replace(':', '-'));
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await fs.stat(file).catch(absentOnly))?.size;
}

/** Undefined for what is not there; anything else is an error. */
export function absentOnly(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
