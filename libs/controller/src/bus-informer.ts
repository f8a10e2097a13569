import { type Resource, formatGroupVersion } from '#api';
import {
  type Bus,
  type BusSubscription,
  type EventMessage,
  type ObjectEvent,
  type Payload,
  base32,
  eventSubject,
  isEventMessage,
} from '#bus';
import { type ObjectClient, collectionPath, withQuery } from '#client';
import {
  type Clock,
  type DeepReadonly,
  type KubernetesObject,
  type Timer,
  deepFreeze,
  delay,
  hasReason,
} from '#machinery';
import { type Logger } from '#telemetry';
import { EventStream, type StreamNeed } from './event-stream';
import { type Informer, type InformerHandler, type Lister } from './informer';
import { type CacheChange, ObjectCache } from './object-cache';
import { fieldFilter } from './object-filter';

export interface BusInformerOptions {
  readonly bus: Bus;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Every stream carries an interval a second; after this long without one, something is wrong with it. */
const staleMs = 5000;
const firstDelayMs = 20;
const longestDelayMs = 5000;

/**
 * An informer on the bus: subscribes and buffers, lists at revision R, applies the buffer from R, and follows. Asks for a replay
 * whenever it may have missed something, and lists again when that history is compacted.
 */
export class BusInformer<T extends KubernetesObject> implements Informer<T> {
  readonly lister: Lister<T>;
  private readonly cache: ObjectCache<T>;
  private readonly stream = new EventStream();
  private readonly accepts: (object: DeepReadonly<KubernetesObject>) => boolean;
  private readonly stopping = new AbortController();
  private readonly waiters: { revision: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  private readonly subscription: BusSubscription;
  private isSynced = false;
  private hasGap = false;
  private heardAt: number;
  private watchdog: Timer | undefined;
  private recovering: Promise<void> | undefined;

  constructor(
    readonly resource: Resource<T>,
    private readonly fieldSelector: string,
    private readonly options: BusInformerOptions,
  ) {
    this.lister = this.cache = new ObjectCache<T>((error) =>
      options.logger.error({ err: error }, 'informer handler failed'),
    );
    this.accepts = fieldSelector === '' ? () => true : fieldFilter(fieldSelector);
    this.heardAt = options.clock.monotonic();
    this.subscription = options.bus.subscribe(
      subjectOf(resource, fieldSelector),
      ({ payload }) => this.receive(payload),
      { onGap: () => this.gap() },
    );
    this.recover();
    this.watch();
  }

  hasSynced(): boolean {
    return this.isSynced;
  }

  revision(): number {
    return this.isSynced ? this.stream.revision : 0;
  }

  waitFor(revision: number): Promise<void> {
    if (this.isSynced && this.stream.revision >= revision) return Promise.resolve();
    if (this.stopping.signal.aborted) return Promise.reject(new Error('informer stopped'));
    return new Promise((resolve, reject) => this.waiters.push({ revision, resolve, reject }));
  }

  addHandler(handler: InformerHandler<T>): () => void {
    return this.cache.addHandler(handler);
  }

  addIndex(name: string, values: (object: DeepReadonly<T>) => readonly string[]): void {
    this.cache.addIndex(name, values);
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('informer stopped'));
    this.subscription.close();
    this.watchdog?.cancel();
    for (const { reject } of this.waiters.splice(0)) reject(new Error('informer stopped'));
    await this.recovering;
  }

  private receive(message: Payload): void {
    if (!isEventMessage(message)) {
      this.options.logger.warn({ resource: this.resource.plural }, 'a message of the event stream makes no sense');
      return this.gap();
    }
    this.heardAt = this.options.clock.monotonic();
    const { events } = this.stream.receive(message);
    this.apply(events);
    if (this.stream.need !== 'nothing') this.recover();
  }

  private gap(): void {
    this.hasGap = true;
    this.recover();
  }

  private watch(): void {
    const { clock } = this.options;
    const silence = clock.monotonic() - this.heardAt;
    if (silence >= staleMs) {
      this.heardAt = clock.monotonic();
      this.gap();
    }
    this.watchdog = clock.setTimer(Math.max(1, staleMs - (clock.monotonic() - this.heardAt)), () => this.watch());
  }

  private recover(): void {
    if (this.stopping.signal.aborted) return;
    this.recovering ??= this.runRecovery();
  }

  /** Lists and replays until the stream needs nothing; clears `recovering` in the same turn, lest a wake-up be lost. Never rejects. */
  private async runRecovery(): Promise<void> {
    const { clock, random, logger } = this.options;
    const { signal } = this.stopping;
    await Promise.resolve();
    for (let failures = 0; !signal.aborted;) {
      if (this.hasGap) {
        this.hasGap = false;
        this.stream.gap();
      }
      if (this.stream.need === 'nothing') {
        this.recovering = undefined;
        return;
      }
      const before = this.stream.revision;
      const asked: StreamNeed = this.stream.need;
      try {
        if (asked === 'list') await this.list();
        else await this.replay();
        if (signal.aborted) return;
        this.apply(this.stream.drain().events);
        failures = this.stream.revision > before ? 0 : failures + 1;
        // Asking for something else, or for nothing more, need not wait.
        if (failures === 0 || this.needs() !== asked) continue;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        logger.debug({ err: error, resource: this.resource.plural, failures }, 'informer cannot catch up yet');
      }
      const wait = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures, 16)) * (0.5 + random() / 2);
      await delay(clock, wait, signal).catch(() => undefined);
    }
  }

  private needs(): StreamNeed {
    return this.stream.need;
  }

  private async list(): Promise<void> {
    const { resource, fieldSelector } = this;
    const list = await this.options.client.list(resource, fieldSelector === '' ? {} : { fieldSelector });
    if (this.stopping.signal.aborted) return;
    if (!this.stream.listed(Number(list.metadata.resourceVersion))) throw new Error('the list is older than the cache');
    this.isSynced = true;
    this.cache.replace(list.items.map((item) => this.complete(item)));
    this.wake();
  }

  private async replay(): Promise<void> {
    // On the bus a watch from a revision answers with what has happened since.
    const path = withQuery(collectionPath(this.resource), {
      watch: 'true',
      resourceVersion: this.stream.revision,
      fieldSelector: this.fieldSelector,
    });
    try {
      const answer = (await this.options.client.raw({ method: 'GET', path })) as unknown as EventMessage;
      if (this.stopping.signal.aborted) return;
      this.apply(this.stream.replayed(answer).events);
      if (answer.more === true) this.hasGap = true;
    } catch (error) {
      if (!hasReason(error, 'Expired')) throw error;
      // The gateway answered, and has no such history.
      this.stream.expired();
    }
  }

  private apply(events: readonly ObjectEvent[]): void {
    if (events.length > 0) {
      this.cache.apply(
        events.map(({ type, object }): CacheChange<T> => {
          const isMember = type !== 'DELETED' && this.accepts(object);
          return { type: isMember ? 'set' : 'delete', object: this.complete(object as DeepReadonly<T>) };
        }),
      );
    }
    this.wake();
  }

  /** Items of lists come without apiVersion and kind. */
  private complete(object: DeepReadonly<T>): DeepReadonly<T> {
    if (object.kind !== undefined && object.apiVersion !== undefined) return deepFreeze(object) as DeepReadonly<T>;
    const { group, version, kind } = this.resource;
    return deepFreeze({ apiVersion: formatGroupVersion(group, version), kind, ...object }) as DeepReadonly<T>;
  }

  private wake(): void {
    if (this.waiters.length === 0 || !this.isSynced) return;
    const { revision } = this.stream;
    const waiting = this.waiters.splice(0);
    this.waiters.push(...waiting.filter((waiter) => waiter.revision > revision));
    for (const waiter of waiting) if (waiter.revision <= revision) waiter.resolve();
  }
}

/** The pods of one node have a stream of their own, so that an agent does not hear of all the others. */
function subjectOf({ group, plural }: Resource<KubernetesObject>, fieldSelector: string): string {
  const node = group === '' && plural === 'pods' ? /^spec\.nodeName==?([^,=!]+)$/.exec(fieldSelector)?.[1] : undefined;
  return node === undefined ? eventSubject(group, plural) : `${eventSubject(group, plural)}.node.${base32(node)}`;
}
