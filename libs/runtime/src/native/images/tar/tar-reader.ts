import { ByteReader } from './byte-reader';
import { blockSize, parseHeader, parseSparseBlock, type RawHeader, TarError } from './header';
import { parsePax, paxNumber, type PaxRecord } from './pax';
import { type Extent, extentsOf, paxSparse, readSparseMap } from './sparse';

export type EntryType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** An entry with everything that extended headers said of it. Paths are bytes as characters (latin1), and not to be trusted. */
export interface TarHeader {
  readonly path: string;
  readonly linkPath: string;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the file; what is stored of a sparse one is its extents. */
  readonly size: number;
  /** Seconds since the epoch, with a fraction. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  readonly extents?: readonly Extent[];
}

export interface TarEntry {
  readonly header: TarHeader;
  /** What is stored, in order; may be left unread, or read in part, but only until the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

const types: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

const xattrPrefix = 'SCHILY.xattr.';
/** Extended headers are held in memory: names, and extended attributes of at most 64 KiB each. */
const mostMetadata = 1 << 20;
const mostBlocksOfMap = 5_000;

/**
 * The entries of a tar archive (ustar, pax, GNU; sparse files in all four formats), read to the source's very end. Written here because extended attributes are
 * bytes, and because nothing that an archive says may make this hold more than a chunk and `mostMetadata`. Throws `TarError`.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  const bytes = new ByteReader(source);
  try {
    for (;;) {
      const found = await readHeader(bytes);
      if (found === undefined) break;
      const body = new Body(bytes, found.stored);
      yield { header: found.header, content: body };
      await body.finish();
      await bytes.skip(found.padding);
    }
    // Whoever hashes the source wants to see what follows the end as well.
    await bytes.drain();
  } finally {
    await bytes.close();
  }
}

class Body implements AsyncIterable<Buffer> {
  constructor(
    private readonly bytes: ByteReader,
    private left: number,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    while (this.left > 0) {
      const part = await this.bytes.some(this.left);
      if (part === undefined) throw new TarError('the archive ends in the middle of an entry');
      this.left -= part.length;
      yield part;
    }
  }

  async finish(): Promise<void> {
    const { left } = this;
    this.left = 0;
    await this.bytes.skip(left);
  }
}

interface Found {
  readonly header: TarHeader;
  /** Bytes of content that follow, then bytes up to a whole block. */
  readonly stored: number;
  readonly padding: number;
}

async function readHeader(bytes: ByteReader): Promise<Found | undefined> {
  let records: PaxRecord[] = [];
  let longName: string | undefined;
  let longLink: string | undefined;
  for (;;) {
    const block = await bytes.read(blockSize);
    const raw = block === undefined ? undefined : parseHeader(block);
    if (raw === undefined) return undefined;
    if (raw.type === 'x') records = parsePax(await readMetadata(bytes, raw));
    // Global headers say what versions of what made the archive; container tools ignore them.
    else if (raw.type === 'g') await readMetadata(bytes, raw);
    else if (raw.type === 'L') longName = upToZero(await readMetadata(bytes, raw));
    else if (raw.type === 'K') longLink = upToZero(await readMetadata(bytes, raw));
    else return entryOf(bytes, raw, records, longName, longLink);
  }
}

async function readMetadata(bytes: ByteReader, { size }: RawHeader): Promise<Buffer> {
  if (size < 0 || size > mostMetadata) throw new TarError('an extended header is too large');
  const content = (await bytes.read(size)) ?? Buffer.alloc(0);
  if (content.length !== size) throw new TarError('the archive ends in the middle of an entry');
  await bytes.skip(paddingOf(size));
  return content;
}

async function entryOf(
  bytes: ByteReader,
  raw: RawHeader,
  records: readonly PaxRecord[],
  longName: string | undefined,
  longLink: string | undefined,
): Promise<Found> {
  const pax = new Map(records);
  const number = (key: string, fallback: number): number => {
    const text = pax.get(key);
    return text === undefined ? fallback : paxNumber(text);
  };
  const size = number('size', raw.size);
  if (size < 0) throw new TarError('an entry has a negative size');
  const path = pax.get('path') ?? longName ?? raw.name;
  const type = typeOf(raw, path);
  const hasContent = types[raw.type] === 'file';
  const common = {
    linkPath: pax.get('linkpath') ?? longLink ?? raw.linkName,
    type,
    mode: raw.mode,
    uid: number('uid', raw.uid),
    gid: number('gid', raw.gid),
    mtime: number('mtime', raw.mtime),
    major: raw.major,
    minor: raw.minor,
    xattrs: xattrsOf(records),
  };
  const sparse = hasContent ? await sparseOf(bytes, raw, records, size) : undefined;
  const stored = hasContent ? size - (sparse?.mapBytes ?? 0) : 0;
  const header: TarHeader =
    sparse === undefined
      ? { ...common, path, size: stored }
      : {
          ...common,
          path: sparse.name ?? path,
          size: sparse.realSize,
          extents: extentsOf(sparse.map, sparse.realSize, stored),
        };
  return { header, stored, padding: hasContent ? paddingOf(size) : 0 };
}

function typeOf({ type }: RawHeader, path: string): EntryType {
  const known = types[type];
  if (known === undefined) throw new TarError(`entries of type ${JSON.stringify(type)} are not supported`);
  // Archives from before POSIX have no directories but names that end in a slash.
  return known === 'file' && path.endsWith('/') ? 'directory' : known;
}

interface Sparse {
  readonly map: readonly number[];
  readonly mapBytes: number;
  readonly realSize: number;
  readonly name?: string;
}

async function sparseOf(
  bytes: ByteReader,
  raw: RawHeader,
  records: readonly PaxRecord[],
  size: number,
): Promise<Sparse | undefined> {
  if (raw.sparse !== undefined) {
    const map = [...raw.sparse.map];
    let { hasMore } = raw.sparse;
    for (let count = 0; hasMore; count++) {
      if (count >= mostBlocksOfMap) throw new TarError('a sparse map is too large');
      const next = parseSparseBlock(await readBlock(bytes));
      map.push(...next.map);
      ({ hasMore } = next);
    }
    return { map, mapBytes: 0, realSize: raw.sparse.realSize };
  }
  const pax = paxSparse(records);
  if (pax === undefined) return undefined;
  if (pax.map !== undefined) return { ...pax, map: pax.map, mapBytes: 0 };
  let left = size;
  const read = await readSparseMap(() => {
    left -= blockSize;
    if (left < 0) throw new TarError('a sparse map is larger than its entry');
    return readBlock(bytes);
  });
  return { ...pax, map: read.numbers, mapBytes: read.bytes };
}

async function readBlock(bytes: ByteReader): Promise<Buffer> {
  const block = await bytes.read(blockSize);
  if (block === undefined) throw new TarError('the archive ends in the middle of an entry');
  return block;
}

function xattrsOf(records: readonly PaxRecord[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) found.set(key.slice(xattrPrefix.length), Buffer.from(value, 'latin1'));
  }
  return found;
}

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function upToZero(content: Buffer): string {
  const end = content.indexOf(0);
  return content.toString('latin1', 0, end < 0 ? content.length : end);
}
