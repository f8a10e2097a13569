import BTree from 'sorted-btree';
import { storeErrors } from '../errors';
import { type Key, type KeyRange, type RangeRequest } from '../key-value-store';
import { History } from './history';
import { endOf } from './key-range';
import { RangeScan } from './range-scan';
import { isTombstone, sizeOf, tombstone, type Version } from './version';

/** A key that has been forgotten entirely still costs an entry while a picture of the tree is kept. */
export type Tree = BTree<Key, Version>;

/** A step of physical compaction looks at so many superseded versions. */
const COMPACTION_SLICE = 2_000;

/**
 * All versions of all keys since the last compaction: a B-tree from key to its newest version, each linked to the one
 * before, and the same versions once more in order of revision, for watchers that start in the past.
 */
export class Keyspace {
  /** An empty store is at revision 1, as etcd's is. */
  revision = 1;
  /** -1: never compacted. */
  compactRevision = -1;
  size = 0;
  readonly history = new History();
  private tree: Tree = new BTree<Key, Version>(undefined, (a, b) => (a < b ? -1 : a > b ? 1 : 0), 64);
  private superseded: Version[] = [];
  private supersededAt = 0;

  /** The newest version; undefined if the key does not exist now. */
  current(key: Key): Version | undefined {
    const head = this.tree.get(key);
    return head === undefined || isTombstone(head) ? undefined : head;
  }

  /** The newest versions of the keys of a range, in order. */
  currentIn(range: KeyRange): Version[] {
    const end = endOf(range);
    if (end === undefined) {
      const version = this.current(range.key);
      return version === undefined ? [] : [version];
    }
    const versions: Version[] = [];
    if (end <= range.key) return versions;
    this.tree.forRange(range.key, end, false, (_key, head) => {
      if (!isTombstone(head)) versions.push(head);
    });
    return versions;
  }

  /** @param pending the revision of the transaction that reads, if it has changed something already */
  scan(request: RangeRequest, pending = this.revision): RangeScan {
    const at = request.revision ?? 0;
    this.checkRevision(at);
    return new RangeScan(this.tree, request, at <= 0 ? undefined : at, pending);
  }

  checkRevision(revision: number): void {
    if (revision <= 0) return;
    if (revision > this.revision) throw storeErrors.futureRevision();
    if (revision < this.compactRevision) throw storeErrors.compacted(this.compactRevision);
  }

  /** Adds a version of the revision being written, which becomes current at once. */
  put(key: Key, value: Uint8Array, lease: bigint, revision: number, sub: number): Version {
    const before = this.current(key);
    return this.add({
      kv: {
        key,
        value,
        createRevision: before === undefined ? revision : before.kv.createRevision,
        modRevision: revision,
        version: before === undefined ? 1 : before.kv.version + 1,
        lease,
      },
      sub,
      previous: this.tree.get(key),
    });
  }

  delete(key: Key, revision: number, sub: number): Version {
    return this.add({ kv: tombstone(key, revision), sub, previous: this.tree.get(key) });
  }

  /** A picture of the newest versions that later writes do not change. Compaction must rest while it is used. */
  picture(): Tree {
    return this.tree.clone();
  }

  /** Takes a key from a snapshot: its versions, oldest first. `history.sort` has to follow the last key. */
  load(versions: readonly Version[]): void {
    for (const version of versions) {
      this.tree.set(version.kv.key, version);
      this.size += sizeOf(version);
      if (version.kv.modRevision >= this.compactRevision) this.history.load(version);
    }
    // The snapshot may have been taken while compaction was still releasing.
    if (versions.length > 0) this.release(versions[0]!.kv.key);
  }

  /** From now on older revisions cannot be read; what nobody can see is released by `releaseSlice`. */
  compact(revision: number): void {
    if (revision <= this.compactRevision) throw storeErrors.compacted(this.compactRevision);
    if (revision > this.revision) throw storeErrors.futureRevision();
    this.compactRevision = revision;
    // A watch may still start at `revision` itself.
    const touched = this.history.trimBefore(revision);
    this.superseded = this.superseded.slice(this.supersededAt).concat(touched, this.history.at(revision));
    this.supersededAt = 0;
  }

  /** One short step of releasing what compaction made unreachable. @returns true when nothing is left to do */
  releaseSlice(): boolean {
    const end = Math.min(this.superseded.length, this.supersededAt + COMPACTION_SLICE);
    while (this.supersededAt < end) this.release(this.superseded[this.supersededAt++]!.kv.key);
    if (this.supersededAt < this.superseded.length) return false;
    this.superseded = [];
    this.supersededAt = 0;
    return true;
  }

  /**
   * Keeps the newest version at or before the compaction, since readers at that revision see it, and all later ones. If
   * it is a deletion it goes too, unless it happened at exactly that revision, where a watch may still start
   * (etcd-io/etcd#19179).
   */
  private release(key: Key): void {
    const head = this.tree.get(key);
    if (head === undefined) return;
    let newer: Version | undefined;
    let kept: Version | undefined = head;
    while (kept !== undefined && kept.kv.modRevision > this.compactRevision) {
      newer = kept;
      kept = kept.previous;
    }
    if (kept === undefined) return;
    this.forget(kept.previous);
    kept.previous = undefined;
    if (!isTombstone(kept) || kept.kv.modRevision === this.compactRevision) return;
    this.size -= sizeOf(kept);
    if (newer === undefined) this.tree.delete(key);
    else newer.previous = undefined;
  }

  private forget(oldest: Version | undefined): void {
    for (let version = oldest; version !== undefined; version = version.previous) this.size -= sizeOf(version);
  }

  private add(version: Version): Version {
    this.tree.set(version.kv.key, version);
    this.history.push(version);
    this.size += sizeOf(version);
    return version;
  }
}
