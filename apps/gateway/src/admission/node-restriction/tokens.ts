import {
  type AuthenticationTokenRequest as TokenRequest,
  type CSIDriver,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '#api';
import { type DeepReadonly, goQuote, notFound } from '#machinery';
import { type Authorizer } from '../../authz/attributes';
import { type AdmissionRequest, refusal } from '../admission';

export interface TokenLookup {
  readonly authorizer: Authorizer;
  pod(namespace: string, name: string): DeepReadonly<Pod> | undefined;
  claim(namespace: string, name: string): DeepReadonly<PersistentVolumeClaim> | undefined;
  volume(name: string): DeepReadonly<PersistentVolume> | undefined;
  csiDriver(name: string): DeepReadonly<CSIDriver> | undefined;
}

/** A node gets tokens for its own pods only: bound to one of them, and for an audience that the pod uses (KEP-4412). */
export function checkToken(node: string, request: AdmissionRequest, lookup: TokenLookup): void {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const { boundObjectRef: bound, audiences = [] } = (request.object as TokenRequest).spec ?? { audiences: [] };
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) {
    throw refusal(request, 'node requested token not bound to a pod');
  }
  if (!bound.uid) throw refusal(request, 'node requested token with a pod binding without a uid');
  const pod = lookup.pod(request.namespace, bound.name);
  if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, bound.name);
  if (bound.uid !== pod.metadata?.uid) {
    throw refusal(
      request,
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec?.nodeName !== node) {
    throw refusal(request, 'node requested token bound to a pod scheduled on a different node');
  }
  if (audiences.length > 1) throw refusal(request, 'node may only request 0 or 1 audiences');
  const audience = audiences[0] ?? '';
  if (usesAudience(pod, audience, lookup) || mayRequest(request, audience, lookup)) return;
  throw refusal(
    request,
    `audience ${goQuote(audience)} not found in pod spec volume, ${request.user.name} is not authorized to request tokens for this audience`,
  );
}

/** By a projected token, or by a CSI driver that is given tokens. */
function usesAudience(pod: DeepReadonly<Pod>, audience: string, lookup: TokenLookup): boolean {
  const { name: podName = '', namespace = '' } = pod.metadata ?? {};
  const driverWants = (driver: string | undefined): boolean =>
    driver !== undefined &&
    (lookup.csiDriver(driver)?.spec?.tokenRequests ?? []).some((wanted) => (wanted.audience ?? '') === audience);
  const claimWants = (claim: string): boolean => {
    const volume = lookup.claim(namespace, claim)?.spec?.volumeName ?? '';
    return volume !== '' && driverWants(lookup.volume(volume)?.spec?.csi?.driver);
  };
  return (pod.spec?.volumes ?? []).some(
    ({ name, projected, csi, ephemeral, persistentVolumeClaim }) =>
      projected?.sources?.some(
        ({ serviceAccountToken: token }) => token !== undefined && (token.audience ?? '') === audience,
      ) === true ||
      driverWants(csi?.driver) ||
      (ephemeral !== undefined && claimWants(`${podName}-${name}`)) ||
      (persistentVolumeClaim !== undefined && claimWants(persistentVolumeClaim.claimName)),
  );
}

/** Administrators may allow audiences that no pod names: for credential providers. */
function mayRequest({ user, namespace, name }: AdmissionRequest, audience: string, lookup: TokenLookup): boolean {
  return lookup.authorizer.authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    isResourceRequest: true,
    group: '',
    resource: audience,
    subresource: '',
    namespace,
    name,
    path: '',
  }).allowed;
}
