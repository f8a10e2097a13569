import { type DeepReadonly, type KubernetesObject, keyOf } from '#machinery';
import { type InformerHandler, type Lister } from './informer';

export type CacheChange<T> =
  | { readonly type: 'set'; readonly object: DeepReadonly<T> }
  | { readonly type: 'delete'; readonly object: DeepReadonly<T> };

interface Index<T> {
  readonly values: (object: DeepReadonly<T>) => readonly string[];
  readonly buckets: Map<string, Map<string, DeepReadonly<T>>>;
}

/** Objects by key and by index, and the handlers that hear of changes. The part of an informer that does no I/O. */
export class ObjectCache<T extends KubernetesObject> implements Lister<T> {
  private readonly objects = new Map<string, DeepReadonly<T>>();
  private readonly namespaces = new Map<string, Map<string, DeepReadonly<T>>>();
  private readonly indexes = new Map<string, Index<T>>();
  private readonly handlers = new Set<InformerHandler<T>>();

  /** @param onHandlerError a handler threw, which it must not; the others are still called */
  constructor(private readonly onHandlerError: (error: unknown) => void) {}

  get size(): number {
    return this.objects.size;
  }

  get(namespace: string, name: string): DeepReadonly<T> | undefined {
    return this.objects.get(namespace === '' ? name : `${namespace}/${name}`);
  }

  list(namespace?: string): readonly DeepReadonly<T>[] {
    const objects = namespace === undefined ? this.objects : this.namespaces.get(namespace);
    return objects === undefined ? [] : [...objects.values()];
  }

  byIndex(name: string, value: string): readonly DeepReadonly<T>[] {
    const index = this.indexes.get(name);
    if (index === undefined) throw new Error(`no index ${name}`);
    const bucket = index.buckets.get(value);
    return bucket === undefined ? [] : [...bucket.values()];
  }

  /** The same name again replaces nothing: the first function stays. */
  addIndex(name: string, values: (object: DeepReadonly<T>) => readonly string[]): void {
    if (this.indexes.has(name)) return;
    const index: Index<T> = { values, buckets: new Map() };
    this.indexes.set(name, index);
    for (const [key, object] of this.objects) insert(index, key, object);
  }

  addHandler(handler: InformerHandler<T>): () => void {
    this.handlers.add(handler);
    for (const object of this.objects.values()) this.call(() => handler.onAdd?.(object));
    return () => {
      this.handlers.delete(handler);
    };
  }

  /**
   * Applies changes, then tells the handlers of each: a handler that looks finds the cache as it is after all of them.
   * A change to what is there already (same resourceVersion), and the deletion of what is not there, go unmentioned.
   */
  apply(changes: readonly CacheChange<T>[]): void {
    const notifications: ((handler: InformerHandler<T>) => void)[] = [];
    for (const change of changes) {
      const key = keyOf(change.object);
      const old = this.objects.get(key);
      if (change.type === 'set') {
        if (old !== undefined && isSameVersion(old, change.object)) continue;
        this.put(key, change.object, old);
        const { object } = change;
        if (old === undefined) {
          notifications.push((handler) => handler.onAdd?.(object));
        } else if (old.metadata?.uid !== object.metadata?.uid) {
          // Deleted and created again while nobody looked: two lives, not one update.
          notifications.push((handler) => handler.onDelete?.(old));
          notifications.push((handler) => handler.onAdd?.(object));
        } else {
          notifications.push((handler) => handler.onUpdate?.(object, old));
        }
      } else if (old !== undefined) {
        this.remove(key, old);
        const { object } = change;
        notifications.push((handler) => handler.onDelete?.(object));
      }
    }
    for (const notify of notifications) for (const handler of this.handlers) this.call(() => notify(handler));
  }

  /** Makes the cache equal to a list: what it lacks is deleted. */
  replace(objects: readonly DeepReadonly<T>[]): void {
    const keys = new Set(objects.map((object) => keyOf(object)));
    const gone = [...this.objects].filter(([key]) => !keys.has(key));
    this.apply([
      ...gone.map(([, object]) => ({ type: 'delete' as const, object })),
      ...objects.map((object) => ({ type: 'set' as const, object })),
    ]);
  }

  private put(key: string, object: DeepReadonly<T>, old: DeepReadonly<T> | undefined): void {
    this.objects.set(key, object);
    bucketOf(this.namespaces, object.metadata?.namespace ?? '').set(key, object);
    for (const index of this.indexes.values()) {
      if (old !== undefined) withdraw(index, key, old);
      insert(index, key, object);
    }
  }

  private remove(key: string, old: DeepReadonly<T>): void {
    this.objects.delete(key);
    const namespace = old.metadata?.namespace ?? '';
    const bucket = this.namespaces.get(namespace);
    bucket?.delete(key);
    if (bucket?.size === 0) this.namespaces.delete(namespace);
    for (const index of this.indexes.values()) withdraw(index, key, old);
  }

  private call(notify: () => void): void {
    try {
      notify();
    } catch (error) {
      this.onHandlerError(error);
    }
  }
}

function isSameVersion(a: DeepReadonly<KubernetesObject>, b: DeepReadonly<KubernetesObject>): boolean {
  const version = a.metadata?.resourceVersion;
  return version !== undefined && version === b.metadata?.resourceVersion && a.metadata?.uid === b.metadata?.uid;
}

function bucketOf<V>(buckets: Map<string, Map<string, V>>, value: string): Map<string, V> {
  let bucket = buckets.get(value);
  if (bucket === undefined) buckets.set(value, (bucket = new Map<string, V>()));
  return bucket;
}

function insert<T>(index: Index<T>, key: string, object: DeepReadonly<T>): void {
  for (const value of index.values(object)) bucketOf(index.buckets, value).set(key, object);
}

function withdraw<T>(index: Index<T>, key: string, object: DeepReadonly<T>): void {
  for (const value of index.values(object)) {
    const bucket = index.buckets.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.buckets.delete(value);
  }
}
