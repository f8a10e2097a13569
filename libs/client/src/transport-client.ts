import { type Resource, formatGroupVersion } from '#api';
import {
  ApiError,
  type DeepReadonly,
  type KubernetesObject,
  type ObjectKey,
  controllerOf,
  hasReason,
} from '#machinery';
import { type Fence } from './fence';
import { expandGenerateName } from './generate-name';
import {
  type DeleteOptions,
  type ListOptions,
  type ObjectClient,
  type ObjectList,
  type PatchType,
  type RawCall,
  type WriteOptions,
} from './object-client';
import { collectionPath, objectPath, withQuery } from './paths';
import { type Outcome, type Repeatable, RepeatedCallError, type RetryOptions, callWithRetry } from './retry';
import { type Body, type Transport } from './transport';

const contentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** As upstream's pagers: big enough to be few, small enough for one message. */
const pageSize = 500;
const nameAttempts = 8;

type Any = Resource<KubernetesObject>;

/** An object client that can be closed. */
export type ClosableObjectClient = ObjectClient & { close(): Promise<void> };

export interface TransportClientOptions extends RetryOptions {
  /** The term in which a leader writes; asked once a call, before the first attempt. */
  readonly fence?: () => Fence | undefined;
}

/** `ObjectClient` in terms of calls: the same over every transport. */
export function createTransportClient(transport: Transport, options: TransportClientOptions): ClosableObjectClient {
  const attempt = (call: RawCall, repeatable: Repeatable): Promise<Outcome> => {
    const fence = call.method === 'GET' ? undefined : options.fence?.();
    return callWithRetry(transport, fence === undefined ? call : { ...call, fence }, repeatable, options);
  };
  /** Where it makes no difference whether the call was repeated. */
  const send = async <T>(call: RawCall, repeatable: Repeatable): Promise<T> => {
    try {
      return (await attempt(call, repeatable)).body as T;
    } catch (error) {
      throw error instanceof RepeatedCallError ? error.cause : error;
    }
  };
  const read = <T>(path: string): Promise<T> => send<T>({ method: 'GET', path }, { isIdempotent: true });

  const createNamed = async <T extends KubernetesObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    write: WriteOptions,
  ): Promise<DeepReadonly<T>> => {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const path = withQuery(collectionPath(resource, namespace), writeQuery(write));
    try {
      const call: RawCall = { method: 'POST', path, body: withKind(resource, object) };
      // Repeating is safe: the name is fixed, so that at most one object comes about.
      return (await attempt(call, { isIdempotent: true })).body as unknown as DeepReadonly<T>;
    } catch (error) {
      if (!(error instanceof RepeatedCallError)) throw error;
      if (error.cause.reason !== 'AlreadyExists') throw error.cause;
      // Made by the attempt whose answer was lost, if it has our controller.
      const existing = await read<DeepReadonly<T>>(objectPath(resource, { namespace, name }));
      const owner = controllerOf(object)?.uid;
      if (owner !== undefined && owner === controllerOf(existing)?.uid) return existing;
      throw error.cause;
    }
  };

  const create = async <T extends KubernetesObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    write: WriteOptions = {},
  ): Promise<DeepReadonly<T>> => {
    const { name = '', generateName = '' } = object.metadata ?? {};
    if (name !== '' || generateName === '') return createNamed(resource, object, write);
    for (let tried = 1; ; tried++) {
      const metadata = { ...object.metadata, name: expandGenerateName(generateName, options.random) };
      try {
        return await createNamed(resource, { ...object, metadata }, write);
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists') || tried >= nameAttempts) throw error;
      }
    }
  };

  return {
    get: (resource, key, subresource) => read(objectPath(resource, key, subresource)),
    list: (resource, listOptions = {}) => list(read, resource, listOptions),
    create,
    update: (resource, object, { subresource, ...write } = {}) => {
      const path = withQuery(objectPath(resource, keyOfObject(object), subresource), writeQuery(write));
      return send({ method: 'PUT', path, body: withKind(resource, object) }, { isIdempotent: false });
    },
    patch: (resource, key, type, patch, { subresource, force, ...write } = {}) => {
      const query = { ...writeQuery(write), force: force === true ? 'true' : undefined };
      const path = withQuery(objectPath(resource, key, subresource), query);
      const call: RawCall = { method: 'PATCH', path, body: patch, contentType: contentTypes[type] };
      return send(call, { isIdempotent: type === 'apply' });
    },
    async delete(resource, key, deleteOptions = {}) {
      const call: RawCall = { method: 'DELETE', path: objectPath(resource, key), body: deleteBody(deleteOptions) };
      try {
        // Without a UID a repetition could hit a successor of the same name.
        await attempt(call, { isIdempotent: deleteOptions.preconditions?.uid !== undefined });
      } catch (error) {
        if (!(error instanceof RepeatedCallError)) throw error;
        if (!['NotFound', 'Conflict'].includes(error.cause.reason)) throw error.cause;
      }
    },
    async deleteCollection(resource, listOptions, deleteOptions = {}) {
      const path = withQuery(collectionPath(resource, listOptions.namespace), listQuery(listOptions));
      await send({ method: 'DELETE', path, body: deleteBody(deleteOptions) }, { isIdempotent: false });
    },
    createSubresource: (resource, key, subresource, body) => {
      const call: RawCall = { method: 'POST', path: objectPath(resource, key, subresource), body };
      return send(call, { isIdempotent: false, isBusyFinal: subresource === 'eviction' });
    },
    raw: (call) => send<Body>(call, { isIdempotent: call.method === 'GET' }),
    close: () => transport.close(),
  };
}

/** All pages as one list, at the revision of the first; read again from the start when that revision was compacted meanwhile. */
async function list<T extends KubernetesObject>(
  read: <R>(path: string) => Promise<R>,
  resource: Resource<T>,
  options: ListOptions,
): Promise<ObjectList<DeepReadonly<T>>> {
  const page = (more: ListOptions): Promise<ObjectList<DeepReadonly<T>>> =>
    read(withQuery(collectionPath(resource, options.namespace), listQuery({ ...options, ...more })));
  if (options.limit !== undefined || options.continue !== undefined) return page({});
  const { resourceVersion: _version, resourceVersionMatch: _match, ...rest } = options;
  for (let restarts = 0; ; restarts++) {
    const first = await page({ limit: pageSize });
    const items = [...(first.items ?? [])];
    try {
      for (let token = first.metadata.continue ?? ''; token !== '';) {
        const path = withQuery(
          collectionPath(resource, options.namespace),
          listQuery({ ...rest, limit: pageSize, continue: token }),
        );
        const next = await read<ObjectList<DeepReadonly<T>>>(path);
        items.push(...(next.items ?? []));
        token = next.metadata.continue ?? '';
      }
      return { metadata: { resourceVersion: first.metadata.resourceVersion }, items };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 410 || restarts >= 2) throw error;
    }
  }
}

function listQuery(options: ListOptions): Record<string, string | number | undefined> {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
  return { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion, resourceVersionMatch };
}

function writeQuery({ fieldManager, dryRun }: WriteOptions): Record<string, string | undefined> {
  return { fieldManager, dryRun: dryRun === true ? 'All' : undefined };
}

function deleteBody(options: DeleteOptions): object {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
}

function withKind(resource: Any, object: DeepReadonly<KubernetesObject>): object {
  return { apiVersion: formatGroupVersion(resource.group, resource.version), kind: resource.kind, ...object };
}

function keyOfObject(object: DeepReadonly<KubernetesObject>): ObjectKey {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}
