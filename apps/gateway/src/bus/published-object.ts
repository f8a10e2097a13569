import { resources } from '#api';
import { type DeepReadonly, type KubernetesObject, type ObjectMeta } from '#machinery';
import { type ServedResource } from '../registry/served-resource';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * What the bus says about an object. Of Secrets that is the metadata, for those who look after owners and deletion: who needs the
 * contents reads them, with its own rights.
 */
export function publishedObject(
  resource: ServedResource,
  object: DeepReadonly<KubernetesObject>,
): DeepReadonly<KubernetesObject> {
  if (resource.definition !== resources.secrets) return object;
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, metadata: withoutLastApplied(metadata) };
}

/** kubectl keeps what it applied, secret or not, in an annotation. */
function withoutLastApplied(metadata: DeepReadonly<ObjectMeta> | undefined): DeepReadonly<ObjectMeta> | undefined {
  if (metadata?.annotations?.[lastApplied] === undefined) return metadata;
  const { [lastApplied]: _hidden, ...annotations } = metadata.annotations;
  return { ...metadata, annotations };
}
