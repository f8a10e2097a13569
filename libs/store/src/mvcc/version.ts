import { type Key, type KeyValue } from '../key-value-store';

/**
 * One version of one key, linked to the one before it. A version never changes once applied, except that compaction
 * cuts `previous`: so a copy-on-write clone of the tree of newest versions is a consistent picture of all history.
 */
export interface Version {
  readonly kv: KeyValue;
  /** Order among the changes of one transaction, which share `kv.modRevision`. */
  readonly sub: number;
  previous: Version | undefined;
}

const NO_BYTES = new Uint8Array(0);

/** A deletion: `version` 0, nothing but key and revision. */
export function tombstone(key: Key, revision: number): KeyValue {
  return { key, value: NO_BYTES, createRevision: 0, modRevision: revision, version: 0, lease: 0n };
}

export function isTombstone(version: Version): boolean {
  return version.kv.version === 0;
}

export function withoutValue(kv: KeyValue): KeyValue {
  return { ...kv, value: NO_BYTES };
}

/** The version that a reader at `revision` sees; a deletion counts as one. */
export function versionAt(head: Version, revision: number): Version | undefined {
  let version: Version | undefined = head;
  while (version !== undefined && version.kv.modRevision > revision) version = version.previous;
  return version;
}

/** What the key held before the transaction of `version`. */
export function valueBefore(version: Version): KeyValue | undefined {
  const before = version.previous && versionAt(version.previous, version.kv.modRevision - 1);
  return before === undefined || isTombstone(before) ? undefined : before.kv;
}

/** What a version adds to the store's size. */
export function sizeOf(version: Version): number {
  return version.kv.key.length + version.kv.value.length;
}
