import BTree from 'sorted-btree';
import { storeErrors } from '../errors';
import { type Key, type KeyRange, type KeyValue, type RangeRequest } from '../key-value-store';
import { type Changes, History } from './history';
import { endOf } from './key-range';
import { RangeScan } from './range-scan';
import { Version, versionAt } from './version';

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
  private readonly newest: Tree = new BTree<Key, Version>(undefined, (a, b) => (a < b ? -1 : a > b ? 1 : 0), 64);
  /** While the log is replayed: what the tree does not have yet. */
  private replayed: Map<Key, Version> | undefined;
  private readonly superseded: Changes[][] = [];
  private readonly releasing = this.releaseAll();

  private get tree(): Tree {
    this.merge();
    return this.newest;
  }

  /** The newest version, if only of a deletion. */
  head(key: Key): Version | undefined {
    return this.replayed?.get(key) ?? this.newest.get(key);
  }

  /** The newest version; undefined if the key does not exist now. */
  current(key: Key): Version | undefined {
    const head = this.head(key);
    return head === undefined || head.isTombstone ? undefined : head;
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
      if (!head.isTombstone) versions.push(head);
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

  /** Adds a version of the revision being written, which becomes current at once. @param head the key's newest until now */
  put(kv: KeyValue, sub: number, head: Version | undefined): Version {
    return this.add(new Version(kv.key, kv.modRevision, sub, kv, 0, head));
  }

  /** @param head the key's newest until now */
  delete(head: Version, revision: number, sub: number): Version {
    return this.add(new Version(head.key, revision, sub, undefined, 0, head));
  }

  /** A picture of the newest versions that later writes do not change. Compaction must rest while it is used. */
  picture(): Tree {
    return this.tree.clone();
  }

  /** Before anything is loaded: what the snapshot says of itself. */
  begin(revision: number, compactRevision: number): void {
    this.revision = revision;
    this.compactRevision = compactRevision;
    this.history.trimBefore(compactRevision);
  }

  /** Takes a key from a snapshot, with all its versions. */
  load(head: Version): void {
    this.tree.set(head.key, head);
    for (let version: Version | undefined = head; version !== undefined; version = version.previous) {
      this.size += version.size;
      if (version.modRevision >= this.compactRevision) this.history.add(version);
    }
    // The snapshot may have been taken while compaction was still releasing.
    const kept = versionAt(head, this.compactRevision);
    if (kept === undefined || (kept.previous === undefined && !kept.isTombstone)) return;
    const steps = this.release(kept);
    while (!steps.next().done);
  }

  /** Until `endReplay` the tree is kept up to date only if somebody looks at it: who replays a log hardly does, and a map is several times faster. */
  beginReplay(): void {
    this.replayed = new Map();
  }

  endReplay(): void {
    this.merge();
    this.replayed = undefined;
  }

  /** From now on older revisions cannot be read; what nobody can see is released by `releaseSlice`. */
  compact(revision: number): void {
    if (revision <= this.compactRevision) throw storeErrors.compacted(this.compactRevision);
    if (revision > this.revision) throw storeErrors.futureRevision();
    this.compactRevision = revision;
    // A watch may still start at `revision` itself.
    this.superseded.push(...this.history.trimBefore(revision), [...this.history.at(revision)]);
  }

  /** One short step of releasing what compaction made unreachable. @returns true when nothing is left to do */
  releaseSlice(): boolean {
    for (let left = COMPACTION_SLICE; left > 0; left--) if (this.releasing.next().value === 'done') return true;
    return false;
  }

  /** Versions from the newest on: what is left of a key's older ones when it is their turn was dealt with before. Never ends. */
  private *releaseAll(): Generator<'step' | 'done', never> {
    for (;;) {
      const piece = this.superseded.pop();
      if (piece === undefined) yield 'done';
      else for (const version of History.newestFirst(piece)) yield* this.release(version);
    }
  }

  /**
   * A key's newest version at or before the compaction is kept, since readers at that revision see it, and so are all later ones. If
   * it is a deletion it goes too, unless it happened at exactly that revision, where a watch may still start
   * (etcd-io/etcd#19179). The state is consistent between steps.
   */
  private *release(kept: Version): Generator<'step', void> {
    yield 'step';
    if (kept.isReleased) return;
    let older = kept.previous;
    kept.previous = undefined;
    for (; older !== undefined; older = older.previous) {
      this.size -= older.size;
      older.isReleased = true;
      yield 'step';
    }
    if (!kept.isTombstone || kept.modRevision === this.compactRevision) return;
    this.size -= kept.size;
    kept.isReleased = true;
    const head = this.tree.get(kept.key);
    if (head === kept) this.tree.delete(kept.key);
    for (let version = head; version !== undefined; version = version.previous) {
      if (version.previous === kept) version.previous = undefined;
    }
  }

  private merge(): void {
    if (this.replayed === undefined || this.replayed.size === 0) return;
    for (const [key, head] of this.replayed) this.newest.set(key, head);
    this.replayed.clear();
  }

  private add(version: Version): Version {
    if (this.replayed === undefined) this.newest.set(version.key, version);
    else this.replayed.set(version.key, version);
    this.history.add(version);
    this.size += version.size;
    return version;
  }
}
