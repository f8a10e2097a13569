import {
  type Bus,
  type BusSubscription,
  type EventMessage,
  type ObjectEvent,
  base32,
  eventSubject,
  isEventMessage,
} from '#bus';
import { resources } from '#api';
import { type Clock, type Timer } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type CacheFeed } from '../cache/cache-feed';
import { type CacheEvent } from '../cache/resource-cache';
import { type ServedResource } from '../registry/served-resource';
import { publishedObject } from './published-object';

/** An empty interval this often shows that nothing was lost. */
const heartbeatMs = 1000;
const everyEvent = 'nestor.event.>';
/** An interval with more than this is announced without its events: who is interested asks for them, and gets them in parts. */
const maximumBytes = 512 << 10;

/** An event and the size of its object in the store. */
interface SizedEvent {
  readonly event: ObjectEvent;
  readonly bytes: number;
}

/** One stream of events: of a resource, or of the pods of one node. */
interface Stream {
  readonly subject: string;
  prev: number;
}

/**
 * Publishes what the watch caches see, as intervals of revisions without gaps.
 *
 * Of several gateways one publishes at a time; the others listen, so that the next one goes on where the last one ended. Two at once
 * do no harm, since intervals are made of the store's revisions and informers drop what they know.
 */
export class EventPublisher {
  private readonly streams: { resource: ServedResource; stream: Stream; unsubscribe: () => void }[] = [];
  private readonly nodeStreams = new Map<string, Stream>();
  /** While this gateway stands by: the end of the last interval that was heard, by subject. */
  private readonly heard = new Map<string, number>();
  private listening: BusSubscription | undefined;
  private empty: EventMessage = { prev: 0, rev: 0, events: [] };
  private isStopped = false;
  private timer: Timer | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly feed: CacheFeed,
    private readonly table: ResourceTable,
    private readonly clock: Clock,
  ) {}

  /** Stands by. */
  start(): void {
    this.listen();
  }

  /** Publishes until the signal aborts, then stands by again. */
  async publish(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.listening?.close();
    this.takeOver();
    this.beat();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    this.timer?.cancel();
    for (const { unsubscribe } of this.streams.splice(0)) unsubscribe();
    this.nodeStreams.clear();
    if (!this.isStopped) this.listen();
  }

  stop(): void {
    this.isStopped = true;
    this.listening?.close();
  }

  private listen(): void {
    this.heard.clear();
    this.listening = this.bus.subscribe(everyEvent, ({ subject, payload }) => {
      if (isEventMessage(payload)) this.heard.set(subject, Math.max(this.heard.get(subject) ?? 0, payload.rev));
    });
  }

  /** Opens every stream with what came after the last interval that was heard on it, if the cache still knows. */
  private takeOver(): void {
    const pods = this.table.require(resources.pods);
    for (const resource of this.table.all) {
      const { group, plural, verbs } = resource.definition;
      if (!verbs.includes('watch')) continue;
      const stream = this.open(eventSubject(group, plural));
      this.send(stream, this.missed(resource, stream));
      const unsubscribe = resource.cache.subscribe({
        onEvents: (events) => {
          const published = events.map((event) => toEvent(resource, event));
          this.send(stream, published);
          if (resource === pods) this.publishToNodes(published);
        },
        // The interval that follows starts where the caches are now; informers find the gap and ask.
        onReset: () => {
          stream.prev = this.feed.revision;
          if (resource === pods) for (const node of this.nodeStreams.values()) node.prev = this.feed.revision;
        },
      });
      this.streams.push({ resource, stream, unsubscribe });
    }
    this.followNodes();
    for (const [node, stream] of this.nodeStreams) {
      this.send(
        stream,
        this.missed(pods, stream).filter((event) => nodeOf(event) === node),
      );
    }
    // Streams that open from now on begin now.
    this.heard.clear();
  }

  private open(subject: string): Stream {
    return { subject, prev: Math.min(this.heard.get(subject) ?? this.feed.revision, this.feed.revision) };
  }

  /** What happened since the stream's last interval. Nothing if that is forgotten: then the next interval leaves a gap. */
  private missed(resource: ServedResource, stream: Stream): readonly SizedEvent[] {
    const events = resource.cache.eventsAfter(stream.prev);
    if (events === undefined) stream.prev = this.feed.revision;
    return (events ?? []).map((event) => toEvent(resource, event));
  }

  private beat(): void {
    this.timer = this.clock.setTimer(heartbeatMs, () => {
      for (const { stream } of this.streams) this.send(stream, []);
      this.followNodes();
      for (const stream of this.nodeStreams.values()) this.send(stream, []);
      this.beat();
    });
  }

  /** Every node has a stream, also while nothing happens to its pods. */
  private followNodes(): void {
    const nodes = this.table.require(resources.nodes);
    for (const { object } of nodes.cache.range(nodes.cache.prefix)) this.nodeStream(object.metadata?.name ?? '');
    for (const name of this.nodeStreams.keys()) {
      if (nodes.cache.get(nodes.key('', name)) === undefined) this.nodeStreams.delete(name);
    }
  }

  private nodeStream(node: string, prev?: number): Stream {
    let stream = this.nodeStreams.get(node);
    if (stream === undefined) {
      stream = this.open(`nestor.event.core.pods.node.${base32(node)}`);
      if (prev !== undefined) stream.prev = prev;
      this.nodeStreams.set(node, stream);
    }
    return stream;
  }

  private send(stream: Stream, sized: readonly SizedEvent[]): void {
    const rev = this.feed.revision;
    const isLarge = sized.reduce((sum, { bytes }) => sum + bytes, 0) > maximumBytes;
    // An empty interval that starts where it ends shows readers that they miss what came before.
    const message: EventMessage =
      isLarge || sized.length === 0
        ? this.emptyInterval(isLarge ? rev : stream.prev, rev)
        : { prev: stream.prev, rev, events: sized.map(({ event }) => event) };
    stream.prev = rev;
    this.bus.publish(stream.subject, message);
  }

  /** Of all streams that have nothing to tell at a time, one object: nearly all, every second. */
  private emptyInterval(prev: number, rev: number): EventMessage {
    if (this.empty.prev !== prev || this.empty.rev !== rev) this.empty = { prev, rev, events: [] };
    return this.empty;
  }

  /** A pod's event goes to the node that it is on. */
  private publishToNodes(events: readonly SizedEvent[]): void {
    const byNode = new Map<string, SizedEvent[]>();
    for (const sized of events) {
      const node = nodeOf(sized);
      if (node === '') continue;
      const list = byNode.get(node);
      if (list === undefined) byNode.set(node, [sized]);
      else list.push(sized);
    }
    for (const [node, list] of byNode) {
      const stream = this.nodeStream(node, (list[0]?.event.revision ?? 1) - 1);
      this.send(stream, list);
    }
  }
}

function nodeOf({ event }: SizedEvent): string {
  return (event.object as { spec?: { nodeName?: string } }).spec?.nodeName ?? '';
}

function toEvent(resource: ServedResource, { type, revision, object }: CacheEvent): SizedEvent {
  const event = { type, revision, object: publishedObject(resource, resource.show(object.object)) };
  return { event, bytes: object.value.byteLength };
}
