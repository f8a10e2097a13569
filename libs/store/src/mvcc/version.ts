import { ByteReader } from '../byte-reader';
import { type ByteWriter } from '../byte-writer';
import { type Key, type KeyValue } from '../key-value-store';

const NO_BYTES = new Uint8Array(0);

/**
 * One version of one key, linked to the one before it. A version never changes once applied, except that compaction
 * cuts `previous`: so a copy-on-write clone of the tree of newest versions is a consistent picture of all history.
 *
 * What it says is an object at first, and bytes in a section of a snapshot once there was one: a million versions are then no
 * million values for the garbage collector, and a start need not make them.
 */
export class Version {
  /** By compaction: nobody can come to it any more. */
  isReleased = false;

  /**
   * @param sub order among the changes of one transaction, which share the revision
   * @param content bytes: as `write` leaves them, from `at` on; undefined: a deletion
   */
  constructor(
    readonly key: Key,
    readonly modRevision: number,
    readonly sub: number,
    private content: KeyValue | Buffer | undefined,
    private at: number,
    public previous: Version | undefined,
  ) {}

  get isTombstone(): boolean {
    return this.content === undefined;
  }

  get kv(): KeyValue {
    const { key, modRevision, content } = this;
    if (content === undefined) return { key, value: NO_BYTES, createRevision: 0, modRevision, version: 0, lease: 0n };
    if (!(content instanceof Uint8Array)) return content;
    const reader = new ByteReader(content, this.at);
    const createRevision = reader.varint();
    const version = reader.varint();
    const lease = reader.i64();
    return { key, value: reader.bytes(), createRevision, modRevision, version, lease };
  }

  /** What a next version begins with; like `kv`, without a look at the value. */
  get origin(): Pick<KeyValue, 'createRevision' | 'version' | 'lease'> {
    const { content } = this;
    if (!(content instanceof Uint8Array)) return content ?? this.kv;
    const reader = new ByteReader(content, this.at);
    return { createRevision: reader.varint(), version: reader.varint(), lease: reader.i64() };
  }

  /** What it adds to the store's size. */
  get size(): number {
    const { key, content } = this;
    if (content === undefined) return key.length;
    if (!(content instanceof Uint8Array)) return key.length + content.value.length;
    const reader = new ByteReader(content, this.at);
    skipNumbers(reader);
    return key.length + reader.varint();
  }

  /** Without its key. @returns where its content begins, for `moveTo` */
  write(writer: ByteWriter): number {
    const { content } = this;
    writer.varint(this.modRevision);
    writer.varint(this.sub);
    const at = writer.length;
    if (content instanceof Uint8Array) {
      const reader = new ByteReader(content, this.at);
      skipContent(reader);
      writer.raw(content.subarray(this.at, reader.position));
    } else {
      const { createRevision, version, lease, value } = this.kv;
      writer.varint(createRevision);
      writer.varint(version);
      writer.u64(lease);
      writer.bytes(value);
    }
    return at;
  }

  /** What was written is the content from now on. */
  moveTo(memory: Buffer, at: number): void {
    if (this.content === undefined) return;
    this.content = memory;
    this.at = at;
  }
}

/** Reads what `write` wrote, without a look at the value: the version keeps the reader's memory. */
export function readVersion(reader: ByteReader, key: Key, previous: Version | undefined): Version {
  const modRevision = reader.varint();
  const sub = reader.varint();
  const at = reader.position;
  const isTombstone = skipContent(reader);
  return new Version(key, modRevision, sub, isTombstone ? undefined : reader.memory, at, previous);
}

/** @returns whether it is a deletion's, whose `version` is 0 */
function skipContent(reader: ByteReader): boolean {
  const version = skipNumbers(reader);
  reader.skip(reader.varint());
  return version === 0;
}

/** @returns `version` */
function skipNumbers(reader: ByteReader): number {
  reader.varint();
  const version = reader.varint();
  reader.skip(8);
  return version;
}

export function withoutValue(kv: KeyValue): KeyValue {
  return { ...kv, value: NO_BYTES };
}

/** The version that a reader at `revision` sees; a deletion counts as one. */
export function versionAt(head: Version, revision: number): Version | undefined {
  let version: Version | undefined = head;
  while (version !== undefined && version.modRevision > revision) version = version.previous;
  return version;
}

/** What the key held before the transaction of `version`. */
export function valueBefore(version: Version): KeyValue | undefined {
  const before = version.previous && versionAt(version.previous, version.modRevision - 1);
  return before === undefined || before.isTombstone ? undefined : before.kv;
}
