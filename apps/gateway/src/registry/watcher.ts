import {
  ApiError,
  type Clock,
  type DeepReadonly,
  type KubernetesObject,
  type Status,
  type Timer,
  deepFreeze,
} from '#machinery';
import { type CacheEvent, type CacheSubscriber } from '../cache/resource-cache';
import { type WatchEvent, type WatchSink } from '../request/api-result';
import { type VersionedObject } from '../storage/versioned-object';
import { type Selection } from './selection';
import { type ServedResource } from './served-resource';

const bookmarkEveryMs = 60_000;
/** The last bookmark comes this long before the watch times out. */
const bookmarkBeforeEndMs = 2000;

export interface WatchPlan {
  readonly resource: ServedResource;
  readonly keyPrefix: string;
  readonly selection: Selection;
  /** Send what exists now first. */
  readonly withInitialState: boolean;
  /** After the initial state send a bookmark that says so (`sendInitialEvents`). */
  readonly withInitialEventsEnd: boolean;
  /** Events after this revision; ignored with initial state. */
  readonly after: number;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
}

/**
 * One watch: initial state or history, then live events, translated to what its selector makes of them: an object that
 * starts to match is ADDED, one that stops is DELETED.
 */
export class Watcher implements CacheSubscriber {
  private readonly timers: Timer[] = [];
  private unsubscribe: (() => void) | undefined;
  private ended = false;
  /** Nothing up to here is sent again. */
  private position = 0;

  constructor(
    private readonly plan: WatchPlan,
    private readonly sink: WatchSink,
    private readonly clock: Clock,
    private readonly revision: () => number,
  ) {}

  start(): () => void {
    const { resource, after, withInitialState } = this.plan;
    const { cache } = resource;
    if (withInitialState) {
      this.sendState();
    } else {
      const missed = cache.eventsAfter(after);
      if (missed === undefined) {
        this.fail(`too old resource version: ${after} (${cache.oldestRevision})`);
        return () => undefined;
      }
      this.position = after;
      this.onEvents(missed);
    }
    if (this.ended) return () => undefined;
    this.unsubscribe = cache.subscribe(this);
    this.schedule();
    return () => this.close();
  }

  onEvents(events: readonly CacheEvent[]): void {
    for (const event of events) {
      if (this.ended) return;
      if (event.revision <= this.position || !event.object.key.startsWith(this.plan.keyPrefix)) continue;
      const translated = this.translate(event);
      if (translated !== undefined) this.send(translated);
    }
  }

  onReset(): void {
    this.end();
  }

  private sendState(): void {
    const { resource, keyPrefix, selection } = this.plan;
    this.position = this.revision();
    for (const stored of resource.cache.range(keyPrefix)) {
      const served = resource.serve(stored);
      if (selection.matches(served.object)) this.send({ type: 'ADDED', object: served });
      if (this.ended) return;
    }
    if (this.plan.withInitialEventsEnd) this.bookmark({ 'k8s.io/initial-events-end': 'true' });
  }

  private translate(event: CacheEvent): WatchEvent | undefined {
    const { resource, selection } = this.plan;
    if (selection.isEverything) return { type: event.type, object: resource.serve(event.object), shared: event };
    const object = resource.serve(event.object);
    const matches = event.type !== 'DELETED' && selection.matches(object.object);
    const previous = event.previous === undefined ? undefined : resource.serve(event.previous);
    const matched = previous !== undefined && selection.matches(previous.object);
    if (matches) return { type: matched ? 'MODIFIED' : 'ADDED', object };
    // The last state that matched, at the revision of the change.
    return matched ? { type: 'DELETED', object: previous.at(event.revision) } : undefined;
  }

  private send(event: WatchEvent): void {
    if (!this.sink.send(event)) this.end();
  }

  private bookmark(annotations?: Record<string, string>): void {
    this.send({ type: 'BOOKMARK', object: bookmarkObject(this.plan.resource, this.revision(), annotations) });
  }

  private schedule(): void {
    const { timeoutMs, bookmarks } = this.plan;
    this.timers.push(this.clock.setTimer(timeoutMs, () => this.end()));
    if (!bookmarks) return;
    const tick = (): void => {
      if (this.ended) return;
      this.bookmark();
      this.timers[1] = this.clock.setTimer(bookmarkEveryMs, tick);
    };
    this.timers.push(this.clock.setTimer(bookmarkEveryMs, tick));
    if (timeoutMs > bookmarkBeforeEndMs) {
      this.timers.push(this.clock.setTimer(timeoutMs - bookmarkBeforeEndMs, () => !this.ended && this.bookmark()));
    }
  }

  private fail(message: string): void {
    this.send({ type: 'ERROR', object: expiredStatus(message) as unknown as DeepReadonly<KubernetesObject> });
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.close();
    this.sink.end();
  }

  private close(): void {
    this.ended = true;
    this.unsubscribe?.();
    for (const timer of this.timers) timer.cancel();
  }
}

function expiredStatus(message: string): Status {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Expired',
    code: 410,
  }).status;
}

/** A bookmark has nothing but kind, apiVersion and resourceVersion; fields that Go never leaves out are for the schema. */
function bookmarkObject(
  resource: ServedResource,
  revision: number,
  annotations?: Record<string, string>,
): VersionedObject | DeepReadonly<KubernetesObject> {
  return deepFreeze({
    kind: resource.definition.kind,
    apiVersion: resource.apiVersion,
    metadata: { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) },
  });
}
