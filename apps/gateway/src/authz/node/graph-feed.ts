import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type CacheFeed } from '../../cache/cache-feed';
import { type CacheEvent, type ResourceCache } from '../../cache/resource-cache';
import { type ContributingKind, contributions, mayMatter, vertexOf } from './graph-builder';
import { NodeGraph } from './node-graph';

/** The caches of what contributes to the graph. */
export type GraphCaches = Readonly<Record<ContributingKind, ResourceCache>>;

/** Keeps a graph at the state of the watch caches: event by event, and anew when the caches were loaded anew. */
export class GraphFeed {
  readonly graph = new NodeGraph();
  private readonly subscriptions: (() => void)[] = [];
  private isStale = true;

  /** The caches must be loaded. */
  constructor(
    private readonly caches: GraphCaches,
    feed: Pick<CacheFeed, 'onRevision'>,
  ) {
    for (const kind of Object.keys(caches) as ContributingKind[]) {
      const unsubscribe = caches[kind].subscribe({
        onEvents: (events) => {
          for (const event of events) this.apply(kind, event);
        },
        // What fills a cache after its reset comes without events, and is complete when the revision is announced.
        onReset: () => {
          this.isStale = true;
        },
      });
      this.subscriptions.push(unsubscribe);
    }
    this.subscriptions.push(feed.onRevision(() => this.refresh()));
    this.refresh();
  }

  stop(): void {
    for (const unsubscribe of this.subscriptions.splice(0)) unsubscribe();
  }

  private refresh(): void {
    if (!this.isStale) return;
    this.isStale = false;
    this.graph.clear();
    for (const kind of Object.keys(this.caches) as ContributingKind[]) {
      const cache = this.caches[kind];
      for (const { object } of cache.range(cache.prefix)) this.add(kind, object);
    }
  }

  private apply(kind: ContributingKind, { type, object, previous }: CacheEvent): void {
    if (type === 'DELETED') this.graph.remove(vertexOf(kind, object.object));
    else if (mayMatter(kind, object.object, previous?.object)) this.add(kind, object.object);
  }

  private add(kind: ContributingKind, object: DeepReadonly<KubernetesObject>): void {
    contributions[kind](this.graph, object);
  }
}
