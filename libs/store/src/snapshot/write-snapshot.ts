import path from 'node:path';
import { ByteWriter } from '../byte-writer';
import { type FileSystem, type StoreFile } from '../files';
import { encodeHeader, headerCrc, type Identity } from '../file-header';
import { appendFrame } from '../frame';
import { type Lease } from '../mvcc/leases';
import { type Tree } from '../mvcc/keyspace';
import { type Version } from '../mvcc/version';
import { type StateMachine } from '../state-machine';
import { SectionType, snapshotName } from './snapshot-file';

/** A section is written when it has grown to this: half a millisecond's work. */
const SECTION_BYTES = 256 * 1024;
const SECTION_KEYS = 2_000;

/** The state at one index. Only the tree is shared with the living state, which copies what it changes. */
export interface Picture {
  readonly index: number;
  readonly term: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly leases: readonly Pick<Lease, 'id' | 'ttl' | 'remaining'>[];
  readonly tree: Tree;
}

/** In one step. Compaction has to be held until the picture has been written. */
export function takePicture(machine: StateMachine): Picture {
  return {
    index: machine.appliedIndex,
    term: machine.appliedTerm,
    revision: machine.keyspace.revision,
    compactRevision: machine.keyspace.compactRevision,
    leases: Array.from(machine.leases.all(), ({ id, ttl, remaining }) => ({ id, ttl, remaining })),
    tree: machine.keyspace.picture(),
  };
}

/**
 * Writes a snapshot aside and gives it its name once it is durable, so that a file with that name is always whole.
 * Every section is a step of its own: others run between them.
 *
 * @param isCancelled asked between sections; a cancelled snapshot leaves nothing behind
 * @returns its size in bytes; undefined if cancelled
 */
export async function writeSnapshot(
  files: FileSystem,
  directory: string,
  identity: Identity,
  picture: Picture,
  isCancelled: () => boolean,
): Promise<number | undefined> {
  const name = path.join(directory, snapshotName(picture.index));
  const unfinished = `${name}.tmp`;
  const file = await files.open(unfinished, 'create');
  let bytes: number | undefined;
  try {
    bytes = await writeSections(file, identity, picture, isCancelled);
    if (bytes !== undefined) await file.datasync();
  } catch (error) {
    await file.close();
    await files.remove(unfinished);
    throw error;
  }
  await file.close();
  if (bytes === undefined) await files.remove(unfinished);
  else {
    await files.rename(unfinished, name);
    await files.syncDirectory(directory);
  }
  return bytes;
}

async function writeSections(
  file: StoreFile,
  identity: Identity,
  picture: Picture,
  isCancelled: () => boolean,
): Promise<number | undefined> {
  const header = encodeHeader('snapshot', {
    clusterId: identity.clusterId,
    memberId: identity.memberId,
    position: BigInt(picture.index),
    detail: BigInt(picture.term),
    previousCrc: 0,
  });
  const salt = headerCrc(header);
  const writer = new ByteWriter(2 * SECTION_BYTES);
  let crc = salt;
  let position = header.length;
  const section = async (type: number, body: () => void): Promise<void> => {
    writer.reset();
    crc = appendFrame(writer, { type, after: { crc, salt } }, body);
    await file.write(writer.view(), position);
    position += writer.length;
  };

  await file.write(header, 0);
  await section(SectionType.state, () => writeState(writer, picture));
  const entries = picture.tree.entries();
  let next = entries.next();
  let keys = 0;
  while (!next.done) {
    if (isCancelled()) return undefined;
    await section(SectionType.keys, () => {
      for (let count = 0; !next.done && count < SECTION_KEYS && writer.length < SECTION_BYTES; count++) {
        writeKey(writer, next.value[1]);
        keys++;
        next = entries.next();
      }
    });
  }
  await section(SectionType.end, () => writer.varint(keys));
  return position;
}

function writeState(writer: ByteWriter, picture: Picture): void {
  writer.varint(picture.revision);
  // -1 is "never".
  writer.varint(picture.compactRevision + 1);
  writer.varint(picture.leases.length);
  for (const { id, ttl, remaining } of picture.leases) {
    writer.u64(id);
    writer.varint(ttl);
    writer.varint(remaining);
  }
}

function writeKey(writer: ByteWriter, head: Version): void {
  const versions: Version[] = [];
  for (let version: Version | undefined = head; version !== undefined; version = version.previous)
    versions.push(version);
  writer.key(head.kv.key);
  writer.varint(versions.length);
  for (const { kv, sub } of versions.reverse()) {
    writer.varint(kv.modRevision);
    writer.varint(sub);
    writer.varint(kv.createRevision);
    writer.varint(kv.version);
    writer.u64(kv.lease);
    writer.bytes(kv.value);
  }
}
