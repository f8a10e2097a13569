import { type Bus, type EventMessage, type ObjectEvent, base32, eventSubject } from '#bus';
import { resources } from '#api';
import { type Clock, type Timer } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type CacheFeed } from '../cache/cache-feed';
import { type CacheEvent } from '../cache/resource-cache';
import { type ServedResource } from '../registry/served-resource';
import { publishedObject } from './published-object';

/** An empty interval this often shows that nothing was lost. */
const heartbeatMs = 1000;

/** One stream of events: of a resource, or of the pods of one node. */
interface Stream {
  readonly subject: string;
  prev: number;
}

/** Publishes what the watch caches see, as intervals of revisions without gaps. */
export class EventPublisher {
  private readonly streams: { resource: ServedResource; stream: Stream; unsubscribe: () => void }[] = [];
  private readonly nodeStreams = new Map<string, Stream>();
  private timer: Timer | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly feed: CacheFeed,
    private readonly table: ResourceTable,
    private readonly clock: Clock,
  ) {}

  start(): void {
    for (const resource of this.table.all) {
      const { group, plural, verbs } = resource.definition;
      if (!verbs.includes('watch')) continue;
      const stream: Stream = { subject: eventSubject(group, plural), prev: this.feed.revision };
      const isPods = group === '' && plural === 'pods';
      const unsubscribe = resource.cache.subscribe({
        onEvents: (events) => {
          const published = events.map((event) => toEvent(resource, event));
          this.send(stream, published);
          if (isPods) this.publishToNodes(published);
        },
        // The interval that follows starts where the caches are now; informers find the gap and ask.
        onReset: () => {
          stream.prev = this.feed.revision;
        },
      });
      this.streams.push({ resource, stream, unsubscribe });
    }
    this.beat();
  }

  stop(): void {
    this.timer?.cancel();
    for (const { unsubscribe } of this.streams) unsubscribe();
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

  private nodeStream(node: string, prev = this.feed.revision): Stream {
    let stream = this.nodeStreams.get(node);
    if (stream === undefined) {
      stream = { subject: `nestor.event.core.pods.node.${base32(node)}`, prev };
      this.nodeStreams.set(node, stream);
    }
    return stream;
  }

  private send(stream: Stream, events: readonly ObjectEvent[]): void {
    const message: EventMessage = { prev: stream.prev, rev: this.feed.revision, events };
    stream.prev = message.rev;
    this.bus.publish(stream.subject, message);
  }

  /** A pod's event goes to the node that it is on. */
  private publishToNodes(events: readonly ObjectEvent[]): void {
    const byNode = new Map<string, ObjectEvent[]>();
    for (const event of events) {
      const node = (event.object as { spec?: { nodeName?: string } }).spec?.nodeName;
      if (node === undefined || node === '') continue;
      const list = byNode.get(node);
      if (list === undefined) byNode.set(node, [event]);
      else list.push(event);
    }
    for (const [node, list] of byNode) {
      const stream = this.nodeStream(node, (list[0]?.revision ?? 1) - 1);
      this.send(stream, list);
    }
  }
}

function toEvent(resource: ServedResource, { type, revision, object }: CacheEvent): ObjectEvent {
  return { type, revision, object: publishedObject(resource, resource.serve(object)) };
}
