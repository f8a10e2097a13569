import { type Clock } from '#machinery';

interface Expectation {
  revision: number;
  readonly deleting: Set<string>;
  since: number;
}

/** What the caches know now. */
export interface CacheView {
  /** The revision that the cache of the written objects has reached. */
  readonly revision: number;
  /** Whether the cache shows the object as gone or going. */
  isGone(uid: string): boolean;
}

/**
 * Remembers what a reconciler has just done for a key, so that it does not do it again while its cache still shows the state
 * before: upstream's expectations, but made of revisions and UIDs that are compared with the cache, not of counted events.
 * Nothing can be missed or counted twice, and a restart needs no recovery.
 */
export class Expectations {
  private readonly byKey = new Map<string, Expectation>();

  /** @param ttlMs after which a key is looked at regardless, as upstream's five minutes */
  constructor(
    private readonly clock: Clock,
    private readonly ttlMs = 300_000,
  ) {}

  /** An object was written; the answer carried this resourceVersion. */
  wrote(key: string, resourceVersion: string | undefined): void {
    const expectation = this.of(key);
    expectation.revision = Math.max(expectation.revision, Number(resourceVersion ?? 0));
  }

  /** An object is about to be deleted. To be called before the request, since its event may arrive before the answer. */
  deleting(key: string, uid: string): void {
    this.of(key).deleting.add(uid);
  }

  /** The deletion failed. */
  notDeleting(key: string, uid: string): void {
    this.byKey.get(key)?.deleting.delete(uid);
  }

  /** True when the cache shows everything that was done for the key, or after the time limit. */
  satisfied(key: string, cache: CacheView): boolean {
    const expectation = this.byKey.get(key);
    if (expectation === undefined) return true;
    for (const uid of expectation.deleting) if (cache.isGone(uid)) expectation.deleting.delete(uid);
    const isSatisfied = expectation.revision <= cache.revision && expectation.deleting.size === 0;
    if (!isSatisfied && this.clock.monotonic() - expectation.since < this.ttlMs) return false;
    this.byKey.delete(key);
    return true;
  }

  /** The key's object is gone. */
  forget(key: string): void {
    this.byKey.delete(key);
  }

  /** The revision that the cache has to reach for the key's writes to be visible. */
  revisionOf(key: string): number {
    return this.byKey.get(key)?.revision ?? 0;
  }

  private of(key: string): Expectation {
    let expectation = this.byKey.get(key);
    if (expectation === undefined) {
      expectation = { revision: 0, deleting: new Set(), since: this.clock.monotonic() };
      this.byKey.set(key, expectation);
    }
    return expectation;
  }
}
