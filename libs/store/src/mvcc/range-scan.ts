import type BTree from 'sorted-btree';
import { type Key, type KeyValue, type RangeRequest, type RangeResponse } from '../key-value-store';
import { endOf, keyAfter } from './key-range';
import { mergeSort } from './merge-sort';
import { type Version, versionAt, withoutValue } from './version';

/**
 * One range read, in as many steps as the caller wants to take. The tree is cloned (copy on write) if the first step
 * does not finish, so that later steps see the same revision whatever is written between them.
 */
export class RangeScan {
  private kvs: KeyValue[] = [];
  private readonly keep: number;
  private count = 0;
  private next: Key;
  private cloned = false;
  private isScanned = false;
  private sorting: Iterator<undefined, KeyValue[]> | undefined;

  /**
   * @param at the revision to read; undefined: the newest versions
   * @param revision the store's, for the answer
   */
  constructor(
    private tree: BTree<Key, Version>,
    private readonly request: RangeRequest,
    private readonly at: number | undefined,
    private readonly revision: number,
  ) {
    this.next = request.key;
    const { limit = 0, sort } = request;
    const isOrdered = sort !== undefined && sort.order !== 'none' && !isByKey(sort);
    const everything = limit === 0 || isOrdered || (sort?.order === 'none' && isFiltered(request));
    // One more than asked for tells whether there is more.
    this.keep = everything ? Infinity : limit + 1;
  }

  /** Looks at no more than `budget` keys. @returns true at the end */
  step(budget: number): boolean {
    this.isScanned ||= this.scan(budget);
    return this.isScanned && this.sort(budget);
  }

  result(): RangeResponse {
    const { limit = 0, keysOnly } = this.request;
    const more = limit > 0 && this.kvs.length > limit;
    const kvs = more ? this.kvs.slice(0, limit) : this.kvs;
    return {
      revision: this.revision,
      kvs: keysOnly && this.isByValue ? kvs.map(withoutValue) : kvs,
      more,
      count: this.count,
    };
  }

  private get isByValue(): boolean {
    return this.request.sort?.target === 'value';
  }

  private scan(budget: number): boolean {
    const end = endOf(this.request);
    if (end === undefined) {
      const head = this.tree.get(this.request.key);
      if (head !== undefined) this.visit(head);
      return true;
    }
    if (end <= this.next) return true;
    let left = budget;
    let stoppedAt: Key | undefined;
    // Not editRange, which copies nodes that are shared with a clone.
    this.tree.forRange(this.next, end, false, (key, head) => {
      this.visit(head);
      if (--left > 0) return undefined;
      stoppedAt = key;
      return { break: 0 };
    });
    if (stoppedAt === undefined) return true;
    this.next = keyAfter(stoppedAt);
    // Before anybody else runs.
    if (!this.cloned) this.tree = this.tree.clone();
    this.cloned = true;
    return false;
  }

  private sort(budget: number): boolean {
    const { sort } = this.request;
    // They are found in the order of their keys.
    if (sort === undefined || isByKey(sort)) return true;
    this.sorting ??= mergeSort(this.kvs, comparison(sort), budget);
    const { done, value } = this.sorting.next();
    if (done) this.kvs = value;
    return done === true;
  }

  private visit(head: Version): void {
    const version = this.at === undefined ? head : versionAt(head, this.at);
    if (version === undefined || version.isTombstone) return;
    this.count++;
    if (this.request.countOnly || this.kvs.length >= this.keep) return;
    const { kv } = version;
    if (!this.isWanted(kv)) return;
    // A value may be wanted for the order.
    this.kvs.push(this.request.keysOnly && !this.isByValue ? withoutValue(kv) : kv);
  }

  private isWanted({ modRevision, createRevision }: KeyValue): boolean {
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = this.request;
    return (
      !(minModRevision && modRevision < minModRevision) &&
      !(maxModRevision && modRevision > maxModRevision) &&
      !(minCreateRevision && createRevision < minCreateRevision) &&
      !(maxCreateRevision && createRevision > maxCreateRevision)
    );
  }
}

type Sort = NonNullable<RangeRequest['sort']>;

const BY_TARGET: Readonly<Record<Sort['target'], (a: KeyValue, b: KeyValue) => number>> = {
  key: (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  version: (a, b) => a.version - b.version,
  create: (a, b) => a.createRevision - b.createRevision,
  mod: (a, b) => a.modRevision - b.modRevision,
  value: (a, b) => Buffer.compare(a.value, b.value),
};

function isByKey({ target, order }: Sort): boolean {
  return target === 'key' && order !== 'descend';
}

function isFiltered(request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision].some(Boolean);
}

function comparison(sort: Sort): (a: KeyValue, b: KeyValue) => number {
  const ascending = BY_TARGET[sort.target];
  return sort.order === 'descend' ? (a, b) => ascending(b, a) : ascending;
}
