import { type KubernetesObject, badRequest } from '#machinery';
import { type Expected } from '../codec/decode-body';
import { type ServedResource } from '../registry/served-resource';

/** What a body for a resource must be. */
export function expectedOf(resource: ServedResource): Expected {
  const { group, version, kind } = resource.definition;
  return { group, version, kind, schema: resource.schema };
}

/** @throws BadRequest if the object is not the one that the path names */
export function checkName(object: KubernetesObject, name: string): void {
  const given = object.metadata?.name ?? '';
  if (given === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}

/** Fills in the namespace of the path. @throws BadRequest if the object names another */
export function checkNamespace(object: KubernetesObject, resource: ServedResource, namespace: string): void {
  const meta = (object.metadata ??= {});
  if (!resource.definition.namespaced) return;
  if (meta.namespace === undefined || meta.namespace === '') meta.namespace = namespace;
  else if (meta.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}
