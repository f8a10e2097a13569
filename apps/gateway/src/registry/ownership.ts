import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type ServedResource } from './served-resource';
import { type WriteContext } from './write-context';

/** Fields that requests to the resource or a subresource do not own, as dotted paths. */
export function resetFieldsOf(resource: ServedResource, subresource: string): readonly string[] {
  const declared = resource.strategy.resetFields?.[subresource];
  if (declared !== undefined) return declared;
  if (!resource.hasSubresource('status')) return [];
  return subresource === 'status' ? ['spec'] : ['status'];
}

/** Records in `metadata.managedFields` who set what with an update: everything but server-side apply. */
export function recordUpdate(
  _resource: ServedResource,
  object: KubernetesObject,
  live: DeepReadonly<KubernetesObject> | undefined,
  _context: WriteContext,
  _nowMs: number,
): void {
  if (live?.metadata?.managedFields === undefined) return;
  (object.metadata ??= {}).managedFields ??= live.metadata.managedFields as never;
}
