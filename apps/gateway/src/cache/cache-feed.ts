import { type KeyValueStore, StoreError, type Watch, type WatchBatch } from '#store';
import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { type VersionedObject, decodeStored } from '../storage/versioned-object';
import { type CacheEvent, type CacheLimits, ResourceCache } from './resource-cache';

const root = '/registry/';
const pageSize = 1000;
const restartDelayMs = 200;

/** Called after each batch with the revision that the caches have reached. */
export type RevisionListener = (revision: number) => void;

/**
 * Keeps a cache for every resource with one watch on the whole key space, so that all caches are always at the same
 * revision, and every revision reaches them.
 */
export class CacheFeed {
  private readonly caches = new Map<string, ResourceCache>();
  private readonly waiters = new Set<{ revision: number; done: (reached: boolean) => void }>();
  private readonly listeners = new Set<RevisionListener>();
  private watch: Watch | undefined;
  private restart: Timer | undefined;
  private stopped = false;
  private reached = 0;

  constructor(
    private readonly store: KeyValueStore,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly limits: CacheLimits = { events: 10_000, bytes: 64 << 20 },
  ) {}

  /** The store's revision that all caches show. */
  get revision(): number {
    return this.reached;
  }

  /** Loads everything. Rejects if the store cannot be read. */
  async start(): Promise<void> {
    await this.load();
  }

  stop(): void {
    this.stopped = true;
    this.watch?.cancel();
    this.restart?.cancel();
    for (const waiter of [...this.waiters]) waiter.done(false);
  }

  /** The cache of a resource; `prefix` is `/registry/<group|core>/<resource>/`. */
  cache(prefix: string): ResourceCache {
    let cache = this.caches.get(prefix);
    if (cache === undefined) {
      cache = new ResourceCache(prefix, this.reached, this.limits);
      this.caches.set(prefix, cache);
    }
    return cache;
  }

  onRevision(listener: RevisionListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves to true as soon as the caches are at least at `revision`, or to false after `ms`. */
  waitFor(revision: number, ms: number): Promise<boolean> {
    if (this.reached >= revision) return Promise.resolve(true);
    if (this.stopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(ms, () => waiter.done(false));
      const waiter = {
        revision,
        done: (reached: boolean): void => {
          timer.cancel();
          this.waiters.delete(waiter);
          resolve(reached);
        },
      };
      this.waiters.add(waiter);
    });
  }

  /**
   * Takes over the store's whole state in one step: as long as pages arrive, readers see the old state at the old revision, never a
   * part of the new one.
   */
  private async load(): Promise<void> {
    let revision = 0;
    let from = root;
    const loaded: { prefix: string; object: VersionedObject }[] = [];
    const end = `${root.slice(0, -1)}0`;
    for (;;) {
      const page = await this.store.range({ key: from, rangeEnd: end, limit: pageSize, revision });
      if (revision === 0) revision = page.revision;
      for (const { key, value, modRevision } of page.kvs) {
        const prefix = resourcePrefix(key);
        if (prefix !== undefined) loaded.push({ prefix, object: decodeStored(key, value, modRevision) });
      }
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) break;
      from = `${last.key}\0`;
    }
    if (this.stopped) return;
    this.reached = Math.max(this.reached, revision);
    for (const cache of this.caches.values()) cache.clear(this.reached);
    for (const { prefix, object } of loaded) this.cache(prefix).put(object);
    for (const cache of this.caches.values()) cache.announceReset();
    this.announce();
    this.follow();
  }

  /** Watches from where the caches are. */
  private follow(): void {
    this.watch = this.store.watch(
      { key: '\0', rangeEnd: '\0', startRevision: this.reached + 1 },
      { onBatch: (batch) => this.apply(batch), onEnd: (error) => this.onEnd(error) },
    );
  }

  private apply(batch: WatchBatch): void {
    const changed = new Map<ResourceCache, CacheEvent[]>();
    for (const { type, kv } of batch.events) {
      const prefix = resourcePrefix(kv.key);
      if (prefix === undefined) continue;
      try {
        const cache = this.cache(prefix);
        const event =
          type === 'put'
            ? cache.put(decodeStored(kv.key, kv.value, kv.modRevision))
            : cache.remove(kv.key, kv.modRevision);
        if (event === undefined) continue;
        const events = changed.get(cache);
        if (events === undefined) changed.set(cache, [event]);
        else events.push(event);
      } catch (error) {
        this.logger.error({ err: error, key: kv.key }, 'a value of the store cannot be decoded');
      }
    }
    // First everything is in place, then it is told: a subscriber that looks around sees the whole transaction.
    this.reached = Math.max(this.reached, batch.revision);
    for (const [cache, events] of changed) cache.publish(events);
    this.announce();
  }

  private announce(): void {
    for (const waiter of this.waiters) if (waiter.revision <= this.reached) waiter.done(true);
    for (const listener of this.listeners) listener(this.reached);
  }

  /** Goes on where the watch ended, or, where that history is compacted, starts over. */
  private onEnd(error: Error): void {
    if (this.stopped) return;
    const isGone = error instanceof StoreError && error.code === 'compacted';
    this.logger.warn({ err: error, revision: this.reached }, 'lost the watch on the store');
    this.restart = this.clock.setTimer(restartDelayMs * (1 + Math.random()), () => {
      if (!isGone) return this.follow();
      this.load().catch((failure: unknown) => this.onEnd(compactedStill(failure)));
    });
  }
}

/** A failed attempt to start over is followed by another. */
function compactedStill(failure: unknown): StoreError {
  const text = failure instanceof Error ? failure.message : String(failure);
  return new StoreError('compacted', `cannot start over: ${text}`);
}

/** `/registry/core/pods/ns/name` → `/registry/core/pods/`; undefined for keys that hold no object. */
export function resourcePrefix(key: string): string | undefined {
  if (!key.startsWith(root)) return undefined;
  const group = key.indexOf('/', root.length);
  if (group < 0) return undefined;
  const resource = key.indexOf('/', group + 1);
  return resource < 0 ? undefined : key.slice(0, resource + 1);
}
