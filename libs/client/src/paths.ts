import { type ResourceDefinition } from '#api';
import { type ObjectKey } from '#machinery';

/** `/api/v1/namespaces/default/pods`, `/apis/apps/v1/deployments` (all namespaces). */
export function collectionPath({ group, version, namespaced, plural }: ResourceDefinition, namespace = ''): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced && namespace !== ''
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

export function objectPath(resource: ResourceDefinition, key: ObjectKey, subresource = ''): string {
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === '' ? path : `${path}/${subresource}`;
}

/** Appends what is set. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}
