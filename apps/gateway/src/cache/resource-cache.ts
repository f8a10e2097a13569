import BTree from 'sorted-btree';
import { type VersionedObject } from '../storage/versioned-object';

/** One change of one object as the cache saw it. */
export interface CacheEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** The new state; for `DELETED` the last state at the deletion's revision. */
  readonly object: VersionedObject;
  /** The state before, for watchers whose selector it did or did not match. */
  readonly previous: VersionedObject | undefined;
}

export interface CacheLimits {
  /** Events kept for watchers that start in the past. */
  readonly events: number;
  /** Bytes of their objects. */
  readonly bytes: number;
}

/** What a subscriber of a cache gets: batches in revision order, synchronously. */
export interface CacheSubscriber {
  onEvents(events: readonly CacheEvent[]): void;
  /** History has a gap (what the store's watch was to deliver is gone): start over from what the cache holds now. */
  onReset(): void;
}

export type ObjectTree = BTree<string, VersionedObject>;

const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The current objects of one resource in key order, the latest events, and who listens. */
export class ResourceCache {
  private tree: ObjectTree = new BTree<string, VersionedObject>(undefined, compareKeys);
  private events: CacheEvent[] = [];
  private eventBytes = 0;
  private readonly subscribers = new Set<CacheSubscriber>();
  /** Every event with a greater revision is in `events`. */
  private completeAfter: number;

  constructor(
    /** `/registry/<group|core>/<resource>/`. */
    readonly prefix: string,
    revision: number,
    private readonly limits: CacheLimits,
  ) {
    this.completeAfter = revision;
  }

  get(key: string): VersionedObject | undefined {
    return this.tree.get(key);
  }

  get size(): number {
    return this.tree.size;
  }

  /** Objects whose key starts with `prefix`, from `from` on. The tree must not change while iterating. */
  *range(prefix: string, from = prefix): Generator<VersionedObject> {
    for (const [key, object] of this.tree.entries(from)) {
      if (!key.startsWith(prefix)) return;
      yield object;
    }
  }

  /** A copy of the tree as it is now; shares structure, so it is cheap. */
  snapshot(): ObjectTree {
    return this.tree.clone();
  }

  /** The oldest revision that a watcher can start from. */
  get oldestRevision(): number {
    return this.completeAfter;
  }

  /** Events after a revision, or undefined if they are not all remembered. */
  eventsAfter(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.completeAfter) return undefined;
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.events.slice(low);
  }

  subscribe(subscriber: CacheSubscriber): () => void {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  get subscriberCount(): number {
    return this.subscribers.size;
  }

  /** Takes over a change. Call `publish` with the returned events once the whole batch is taken over. */
  put(object: VersionedObject): CacheEvent {
    const previous = this.tree.get(object.key);
    this.tree.set(object.key, object);
    return { type: previous === undefined ? 'ADDED' : 'MODIFIED', revision: object.revision, object, previous };
  }

  remove(key: string, revision: number): CacheEvent | undefined {
    const previous = this.tree.get(key);
    if (previous === undefined) return undefined;
    this.tree.delete(key);
    return { type: 'DELETED', revision, object: previous.at(revision), previous };
  }

  publish(events: readonly CacheEvent[]): void {
    for (const event of events) {
      this.events.push(event);
      this.eventBytes += event.object.value.byteLength;
    }
    this.trim();
    for (const subscriber of this.subscribers) subscriber.onEvents(events);
  }

  /** Forgets everything and starts over at a revision; `put`s follow, then `announceReset`. */
  clear(revision: number): void {
    this.tree = new BTree<string, VersionedObject>(undefined, compareKeys);
    this.events = [];
    this.eventBytes = 0;
    this.completeAfter = revision;
  }

  announceReset(): void {
    for (const subscriber of [...this.subscribers]) subscriber.onReset();
  }

  private trim(): void {
    const { events, bytes } = this.limits;
    // In larger steps than one, because moving the rest of the array costs as much as its length.
    if (this.events.length <= events * 1.25 && this.eventBytes <= bytes * 1.25) return;
    let drop = 0;
    while (drop < this.events.length && (this.events.length - drop > events || this.eventBytes > bytes)) {
      const event = this.events[drop++];
      if (event === undefined) break;
      this.eventBytes -= event.object.value.byteLength;
      this.completeAfter = event.revision;
    }
    this.events.splice(0, drop);
  }
}
