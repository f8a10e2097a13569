import { storeErrors } from './errors';
import {
  type Key,
  type KeyRange,
  type StoreEvent,
  type Watch,
  type WatchHandler,
  type WatchRequest,
} from './key-value-store';
import { contains, endOf } from './mvcc/key-range';
import { type Keyspace } from './mvcc/keyspace';
import { valueBefore, type Version } from './mvcc/version';

/** Changes that a watcher from the past gets in one turn of the event loop. */
const REPLAY_SLICE = 500;

interface Watcher {
  readonly range: KeyRange;
  readonly request: WatchRequest;
  readonly handler: WatchHandler;
  /** The first revision it has not been told of. */
  next: number;
  isOver: boolean;
  isSynced: boolean;
}

/**
 * Tells watchers about changes. A *synced* watcher hears of a revision as soon as it is applied, before the writer does.
 * One that starts in the past is *unsynced*: it is read its revisions from history, a slice at a time, until none is
 * left; what is written meanwhile it reads from there too, so nothing has to be queued for it.
 */
export class WatchHub {
  private readonly byKey = new Map<Key, Set<Watcher>>();
  private readonly byRange = new Set<Watcher>();
  private readonly unsynced = new Set<Watcher>();
  private ending: Error | undefined;
  /** The last revision there was, while there is no state to read. */
  private pausedAt: number | undefined;

  /** @param onHandlerError a handler broke its promise not to throw; its watch is over */
  constructor(
    private readonly keyspaceNow: () => Keyspace,
    private readonly onHandlerError: (error: unknown) => void,
  ) {}

  watch(request: WatchRequest, handler: WatchHandler): Watch {
    const start = request.startRevision ?? 0;
    const next = start > 0 ? start : this.revision + 1;
    const range = { key: request.key, rangeEnd: request.rangeEnd };
    const watcher: Watcher = { range, request, handler, next, isOver: false, isSynced: false };
    if (this.ending !== undefined) this.endLater(watcher, this.ending);
    else if (next > this.revision) this.sync(watcher);
    else {
      this.unsynced.add(watcher);
      setImmediate(() => this.replay(watcher));
    }
    const revisionNow = (): number => this.revision;
    return {
      get revision() {
        return watcher.isSynced ? revisionNow() : watcher.next - 1;
      },
      cancel: () => this.drop(watcher),
    };
  }

  /** The changes of one revision have been applied. */
  publish(revision: number, changes: readonly Version[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      const watchers = this.byKey.get(change.key);
      if (watchers === undefined) continue;
      // A later change of the same key finds `next` moved on.
      for (const watcher of watchers) this.deliver(watcher, revision, changes);
    }
    for (const watcher of this.byRange) this.deliver(watcher, revision, changes);
  }

  /** Another, later state is about to take the place of the one that watchers have been told of: until `resume` none is looked at. */
  pause(): void {
    this.pausedAt = this.keyspace.revision;
  }

  /** It has: they go on from its history. */
  resume(): void {
    const { revision } = this;
    this.pausedAt = undefined;
    for (const watcher of this.unsynced) setImmediate(() => this.replay(watcher));
    const synced = [...this.byRange, ...[...this.byKey.values()].flatMap((watchers) => [...watchers])];
    this.byRange.clear();
    this.byKey.clear();
    for (const watcher of synced) {
      watcher.isSynced = false;
      watcher.next = Math.max(watcher.next, revision + 1);
      this.unsynced.add(watcher);
      setImmediate(() => this.replay(watcher));
    }
  }

  /** No watch outlives the store. */
  endAll(error: Error): void {
    this.ending = error;
    const all = [...this.byRange, ...this.unsynced, ...[...this.byKey.values()].flatMap((watchers) => [...watchers])];
    for (const watcher of all) this.end(watcher, error);
  }

  private get keyspace(): Keyspace {
    return this.keyspaceNow();
  }

  private get revision(): number {
    return this.pausedAt ?? this.keyspace.revision;
  }

  private replay(watcher: Watcher): void {
    if (this.pausedAt !== undefined) return;
    let left = REPLAY_SLICE;
    while (!watcher.isOver) {
      if (watcher.next < this.keyspace.compactRevision) {
        return this.end(watcher, storeErrors.compacted(this.keyspace.compactRevision));
      }
      const changes = this.keyspace.history.nextFrom(watcher.next);
      const first = changes[0];
      if (first === undefined) {
        this.unsynced.delete(watcher);
        watcher.next = Math.max(watcher.next, this.keyspace.revision + 1);
        return this.sync(watcher);
      }
      if (left <= 0) return void setImmediate(() => this.replay(watcher));
      left -= changes.length;
      this.deliver(watcher, first.modRevision, changes);
    }
  }

  private deliver(watcher: Watcher, revision: number, changes: readonly Version[]): void {
    if (watcher.isOver || revision < watcher.next) return;
    watcher.next = revision + 1;
    const events = eventsFor(watcher, changes);
    if (events.length === 0) return;
    try {
      watcher.handler.onBatch({ revision, events });
    } catch (error) {
      this.drop(watcher);
      this.onHandlerError(error);
    }
  }

  private end(watcher: Watcher, error: Error): void {
    if (watcher.isOver) return;
    this.drop(watcher);
    try {
      watcher.handler.onEnd(error);
    } catch (handlerError) {
      this.onHandlerError(handlerError);
    }
  }

  private endLater(watcher: Watcher, error: Error): void {
    setImmediate(() => this.end(watcher, error));
  }

  private sync(watcher: Watcher): void {
    watcher.isSynced = true;
    if (endOf(watcher.range) !== undefined) {
      this.byRange.add(watcher);
      return;
    }
    const watchers = this.byKey.get(watcher.range.key);
    if (watchers === undefined) this.byKey.set(watcher.range.key, new Set([watcher]));
    else watchers.add(watcher);
  }

  private drop(watcher: Watcher): void {
    watcher.isOver = true;
    this.byRange.delete(watcher);
    this.unsynced.delete(watcher);
    const watchers = this.byKey.get(watcher.range.key);
    if (watchers?.delete(watcher) && watchers.size === 0) this.byKey.delete(watcher.range.key);
  }
}

function eventsFor({ range, request }: Watcher, changes: readonly Version[]): StoreEvent[] {
  const events: StoreEvent[] = [];
  for (const change of changes) {
    if (!contains(range, change.key)) continue;
    const type = change.isTombstone ? 'delete' : 'put';
    if (request.filters?.includes(type === 'put' ? 'no-put' : 'no-delete')) continue;
    const prevKv = request.prevKv ? valueBefore(change) : undefined;
    events.push(prevKv === undefined ? { type, kv: change.kv } : { type, kv: change.kv, prevKv });
  }
  return events;
}
