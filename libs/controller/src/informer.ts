import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type Resource } from '#api';

/** Reads from an informer's cache: synchronous, possibly behind, never to be changed. */
export interface Lister<T> {
  get(namespace: string, name: string): DeepReadonly<T> | undefined;
  /** All objects, or those of one namespace. Order is unspecified. */
  list(namespace?: string): readonly DeepReadonly<T>[];
  /** Objects for which the named index function returned `value`. */
  byIndex(index: string, value: string): readonly DeepReadonly<T>[];
}

/** Level-triggered notifications: intermediate states may be skipped, the last state is always delivered. Must not throw. */
export interface InformerHandler<T> {
  onAdd?(object: DeepReadonly<T>): void;
  onUpdate?(object: DeepReadonly<T>, old: DeepReadonly<T>): void;
  onDelete?(object: DeepReadonly<T>): void;
}

/** A local, eventually consistent copy of one resource (optionally of the part that a field selector picks). */
export interface Informer<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly lister: Lister<T>;
  /** True once the first list is applied. */
  hasSynced(): boolean;
  /** Store revision that the cache has reached. */
  revision(): number;
  /** Resolves when the cache has reached `revision` (0: first sync); rejects when the informer stops. */
  waitFor(revision: number): Promise<void>;
  /** Existing objects arrive as adds. Returns a function that removes the handler. */
  addHandler(handler: InformerHandler<T>): () => void;
  /** Adds an index, at any time. Functions return the values under which an object is found. */
  addIndex(name: string, values: (object: DeepReadonly<T>) => readonly string[]): void;
}

/** Shared informers: at most one a resource and selector. All of them start on first use and stop with the factory. */
export interface InformerFactory {
  informer<T extends KubernetesObject>(
    resource: Resource<T>,
    options?: { readonly fieldSelector?: string },
  ): Informer<T>;
  /** Resolves when every informer asked for so far has synced, and has reached `revision` (default 0). */
  synced(revision?: number): Promise<void>;
  stop(): Promise<void>;
}
