import { type DeepReadonly, type KubernetesObject, type ObjectMeta } from '#machinery';

/** Puts back metadata that whoever reports status must not change (`ResetObjectMetaForStatus`). */
export function keepMetadata(object: KubernetesObject, old: DeepReadonly<KubernetesObject>): void {
  keepFields(object, old, ['labels', 'annotations', 'finalizers', 'ownerReferences']);
}

/** Puts back some fields of metadata. */
export function keepFields(
  object: KubernetesObject,
  old: DeepReadonly<KubernetesObject>,
  fields: readonly (keyof ObjectMeta)[],
): void {
  const meta = (object.metadata ??= {}) as Record<string, unknown>;
  for (const name of fields) {
    const value = old.metadata?.[name];
    if (value === undefined) Reflect.deleteProperty(meta, name);
    else meta[name] = value;
  }
}

/**
 * For subresources that change a part of `spec` only: everything is as it was, but for what identifies the request and who owns
 * which fields.
 */
export function keepEverything(object: KubernetesObject, old: DeepReadonly<KubernetesObject>): void {
  const meta = (object.metadata ??= {});
  const { managedFields, resourceVersion } = meta;
  for (const key of Object.keys(object)) Reflect.deleteProperty(object, key);
  for (const key of Object.keys(meta)) Reflect.deleteProperty(meta, key);
  // The same object as before: the registry goes on with it.
  Object.assign(meta, old.metadata, { managedFields, resourceVersion });
  Object.assign(object, old, { metadata: meta });
}
