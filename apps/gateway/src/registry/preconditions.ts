import { type ApiError, type DeepReadonly, type KubernetesObject, conflict } from '#machinery';
import { type ServedResource } from './served-resource';

/** Where upstream keeps what it keeps elsewhere than under its plural; the key shows in error texts. */
const storagePrefixes: Readonly<Record<string, string>> = {
  endpoints: 'services/endpoints',
  ingresses: 'ingress',
  nodes: 'minions',
  replicationcontrollers: 'controllers',
  services: 'services/specs',
};

/** 409 for a write meant for an object of the same name that was there before. */
export function uidMismatch(resource: ServedResource, old: DeepReadonly<KubernetesObject>, uid: string): ApiError {
  const { name = '', namespace = '', uid: actual = '' } = old.metadata ?? {};
  const { plural } = resource.definition;
  const key = `/registry/${storagePrefixes[plural] ?? plural}/${namespace === '' ? '' : `${namespace}/`}${name}`;
  return conflict(
    resource.groupResource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actual}`,
  );
}
