import { type KubernetesObject } from '#machinery';

/** What is in use must not vanish: a controller takes the finalizer away (admission plugin StorageObjectInUseProtection). */
export function addFinalizer(object: KubernetesObject, finalizer: string): void {
  const finalizers = ((object.metadata ??= {}).finalizers ??= []);
  if (!finalizers.includes(finalizer)) finalizers.push(finalizer);
}
