import { isDeepStrictEqual } from 'node:util';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type ServedResource } from './served-resource';

/** Whether `metadata.generation` of a resource counts changes of what its users want. */
export function tracksGeneration(resource: ServedResource): boolean {
  const rule = resource.strategy.generation;
  return rule === undefined ? resource.hasSubresource('status') : rule !== 'none';
}

/** Whether an update changed what the users want. */
export function isNewGeneration(
  resource: ServedResource,
  object: DeepReadonly<KubernetesObject>,
  old: DeepReadonly<KubernetesObject>,
): boolean {
  if (!tracksGeneration(resource)) return false;
  const rule = resource.strategy.generation;
  if (typeof rule === 'function') return rule(object, old);
  return !isDeepStrictEqual(desired(object), desired(old));
}

function desired(object: DeepReadonly<KubernetesObject>): object {
  const { metadata: _metadata, status: _status, ...rest } = object as Record<string, unknown>;
  return rest;
}
