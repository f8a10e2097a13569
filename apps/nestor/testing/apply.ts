import { parseAllDocuments } from 'yaml';
import { type ObjectClient } from '#client';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type Discovery } from './discovery';

/** Owns what tests apply. */
const FIELD_MANAGER = 'nestor-testing';

/** The objects of a YAML (or JSON) text of any number of documents; lists are taken apart. @throws Error that names the document */
export function readManifests(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`document ${index + 1} is no YAML: ${error.message}`);
    const value: unknown = document.toJS();
    return value === null ? [] : flatten(value, `document ${index + 1}`);
  });
}

/** Objects with the items of lists instead of the lists. @throws Error for what is no object of the API */
export function flatten(value: unknown, where: string): KubernetesObject[] {
  const object = value as (KubernetesObject & { readonly items?: readonly unknown[] }) | null;
  if (typeof object !== 'object' || object === null || object.kind === undefined || object.apiVersion === undefined)
    throw new Error(`${where} has no apiVersion and kind`);
  if (!object.kind.endsWith('List') || !Array.isArray(object.items)) return [object];
  return object.items.flatMap((item, index) => flatten(item, `${where}, item ${index + 1}`));
}

/** Applies on the server, in the order given, taking over fields that others own. Without a namespace of their own objects go to `default`. */
export async function applyAll(
  client: ObjectClient,
  discovery: Discovery,
  objects: readonly KubernetesObject[],
): Promise<DeepReadonly<KubernetesObject>[]> {
  const applied: DeepReadonly<KubernetesObject>[] = [];
  for (const object of objects) {
    const { apiVersion, kind = '', metadata } = object;
    const resource = await discovery.ofKind(kind, apiVersion);
    if (metadata?.name === undefined) throw new Error(`a ${kind} without a name cannot be applied`);
    const namespace = resource.namespaced ? (metadata.namespace ?? 'default') : '';
    const key = { namespace, name: metadata.name };
    const answer = await client.patch(resource, key, 'apply', object, { fieldManager: FIELD_MANAGER, force: true });
    applied.push(answer);
  }
  return applied;
}
