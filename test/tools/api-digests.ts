import { formatGroupVersion, type Resource } from '#api';
import { type ListOptions, type ObjectClient } from '#client';
import { type InformerDump, objectDigest } from '#controller';
import { type KubernetesObject, keyOf } from '#machinery';

/** What the API says about a resource, in the form in which an informer says what it holds. */
export async function apiDigests<T extends KubernetesObject>(
  api: ObjectClient,
  resource: Resource<T>,
  options: ListOptions = {},
): Promise<InformerDump['objects']> {
  const { items } = await api.list(resource, options);
  const { group, version, kind } = resource;
  return Object.fromEntries(
    items.map((item) => {
      // Items of lists come without.
      const object = { apiVersion: formatGroupVersion(group, version), kind, ...item };
      const { resourceVersion = '' } = item.metadata ?? {};
      return [keyOf(item), { resourceVersion, digest: objectDigest(object) }] as const;
    }),
  );
}
