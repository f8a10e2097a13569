import { type Resource } from '#api';
import { type DeepReadonly, type JsonValue, type KubernetesObject, type ObjectKey } from '#machinery';
import { type Fence } from './fence';

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface ObjectList<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** `status`, `scale`, `binding` … */
  readonly subresource?: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * Objects of the API, typed by resource, with the identity that the client was built with. Every call has a deadline,
 * passes authorisation and admission, and rejects with `ApiError`. Answers may be shared: never change them.
 *
 * Calls are retried only where repeating is safe: reads, and requests that certainly did not reach the API.
 */
export interface ObjectClient {
  get<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    subresource?: string,
  ): Promise<DeepReadonly<T>>;
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<DeepReadonly<T>>>;
  /** Namespace and name come from `object.metadata`; `generateName` is expanded here so that a retry cannot create two. */
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<DeepReadonly<T>>;
  /** Replaces the object; `metadata.resourceVersion` makes it conditional. */
  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<DeepReadonly<T>>;
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    type: PatchType,
    patch: DeepReadonly<JsonValue> | object,
    options?: WriteOptions & { readonly force?: boolean },
  ): Promise<DeepReadonly<T>>;
  /** Resolves also when the object waits for finalizers or grace; rejects with NotFound if it is gone. */
  delete<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  deleteCollection<T extends KubernetesObject>(
    resource: Resource<T>,
    list: ListOptions,
    options?: DeleteOptions,
  ): Promise<void>;
  /** POST to a subresource of an object with a body of another kind (`pods/binding`, `serviceaccounts/token`, `pods/eviction`). */
  createSubresource<B extends object, R>(
    resource: Resource<KubernetesObject>,
    key: ObjectKey,
    subresource: string,
    body: B,
  ): Promise<DeepReadonly<R>>;
  /**
   * Any call by path, as kubectl's `--raw`: for discovery and for kinds known only at run time (garbage collector, namespaces).
   */
  raw(call: RawCall): Promise<DeepReadonly<JsonValue>>;
}

export interface RawCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, `/apis/apps/v1/namespaces/x/deployments?limit=1`. */
  readonly path: string;
  readonly body?: DeepReadonly<JsonValue> | object;
  readonly contentType?: string;
  /** Set by the client itself, on writes of a leader. */
  readonly fence?: Fence;
}
