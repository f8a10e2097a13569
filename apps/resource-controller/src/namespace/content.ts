import { type APIResourceList } from '#api';
import { type ObjectClient } from '#client';
import { ApiError, type DeepReadonly, type JsonValue, type KubernetesObject } from '#machinery';

/** A resource that can have objects in a namespace, by its API path: also kinds that exist only at run time. */
export interface NamespacedResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly canDeleteCollection: boolean;
}

export interface Discovery {
  readonly resources: readonly NamespacedResource[];
  /** What could not be learnt; the rest is complete. */
  readonly failures: readonly string[];
}

interface GroupList {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[];
}

/** Asks the API what there is, in each group's preferred version. */
export async function discoverNamespaced(client: ObjectClient): Promise<Discovery> {
  const groups = (await client.raw({ method: 'GET', path: '/apis' })) as unknown as GroupList;
  const versions = ['v1', ...groups.groups.map((group) => group.preferredVersion.groupVersion)];
  const found: NamespacedResource[] = [];
  const failures: string[] = [];
  for (const groupVersion of versions) {
    const path = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
    try {
      const list = (await client.raw({ method: 'GET', path })) as unknown as DeepReadonly<APIResourceList>;
      found.push(...deletable(list, groupVersion));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures.push(`${groupVersion}: ${error.message}`);
    }
  }
  return { resources: found, failures };
}

function deletable(list: DeepReadonly<APIResourceList>, groupVersion: string): NamespacedResource[] {
  const slash = groupVersion.indexOf('/');
  return (list.resources ?? [])
    .filter(
      ({ namespaced, name, verbs }) =>
        namespaced && !name.includes('/') && verbs.includes('delete') && verbs.includes('list'),
    )
    .map(({ name, verbs }) => ({
      group: slash < 0 ? '' : groupVersion.slice(0, slash),
      version: groupVersion.slice(slash + 1),
      plural: name,
      canDeleteCollection: verbs.includes('deletecollection'),
    }));
}

export interface Remaining {
  readonly count: number;
  /** How many objects each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** The longest grace period that a pod still has, in seconds. */
  readonly graceSeconds: number;
}

/** Deletes everything of one resource in the namespace and tells what is (still) there. */
export async function deleteContent(
  client: ObjectClient,
  resource: NamespacedResource,
  namespace: string,
): Promise<Remaining> {
  const prefix = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const path = `${prefix}/namespaces/${namespace}/${resource.plural}`;
  const before = await list(client, path);
  if (before.length > 0) {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
    if (resource.canDeleteCollection) await client.raw({ method: 'DELETE', path, body });
    else
      for (const { metadata } of before)
        await client.raw({ method: 'DELETE', path: `${path}/${metadata?.name}`, body });
  }
  return summarize(before.length === 0 ? before : await list(client, path));
}

async function list(client: ObjectClient, path: string): Promise<readonly DeepReadonly<KubernetesObject>[]> {
  try {
    const answer = (await client.raw({ method: 'GET', path })) as DeepReadonly<Record<string, JsonValue>>;
    return (answer['items'] ?? []) as unknown as readonly DeepReadonly<KubernetesObject>[];
  } catch (error) {
    // The kind itself has gone, or cannot be listed: then it holds nothing up.
    if (error instanceof ApiError && (error.code === 404 || error.code === 405)) return [];
    throw error;
  }
}

function summarize(objects: readonly DeepReadonly<KubernetesObject>[]): Remaining {
  const finalizers = new Map<string, number>();
  let graceSeconds = 0;
  for (const { metadata } of objects) {
    for (const finalizer of metadata?.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
    graceSeconds = Math.max(graceSeconds, metadata?.deletionGracePeriodSeconds ?? 0);
  }
  return { count: objects.length, finalizers, graceSeconds };
}
