import { type Node, type Pod } from '#api';
import { type ApiError, type DeepReadonly, goQuote, notFound } from '#machinery';
import { mirrorPodAnnotation } from '../../authz/node/graph-builder';
import { podConfigMapNames, podSecretNames } from '../../kinds/pods/pod-references';
import { type AdmissionRequest, refusal } from '../admission';

/** Where objects are looked up that the request does not bring along. */
export interface Lookup {
  pod(namespace: string, name: string): DeepReadonly<Pod> | undefined;
  node(name: string): DeepReadonly<Node> | undefined;
}

export function checkPod(node: string, request: AdmissionRequest, lookup: Lookup): void {
  const { operation } = request;
  if (operation === 'DELETE') {
    if ((request.old as DeepReadonly<Pod>).spec?.nodeName === node) return;
    throw refusal(request, `node ${goQuote(node)} can only delete pods with spec.nodeName set to itself`);
  }
  if (operation !== 'CREATE') {
    throw refusal(
      request,
      `unexpected operation ${goQuote(operation)}, node ${goQuote(node)} can only create and delete mirror pods`,
    );
  }
  const pod = request.object as Pod;
  const problem = ownershipProblem(node, pod, lookup) ?? referenceProblem(node, pod);
  if (problem === undefined) return;
  throw typeof problem === 'string' ? refusal(request, problem) : problem;
}

/** Nodes create mirror pods only, bound to themselves and owned by themselves. */
function ownershipProblem(node: string, { metadata, spec }: Pod, lookup: Lookup): string | ApiError | undefined {
  const quoted = goQuote(node);
  if (metadata?.annotations?.[mirrorPodAnnotation] === undefined) {
    return `pod does not have ${goQuote(mirrorPodAnnotation)} annotation, node ${quoted} can only create mirror pods`;
  }
  if (spec?.nodeName !== node) return `node ${quoted} can only create pods with spec.nodeName set to itself`;
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) return `node ${quoted} can only create pods with a single owner reference set to itself`;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `node ${quoted} can only create pods with an owner reference set to itself`;
  }
  if (owner.controller !== true) {
    return `node ${quoted} can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion === true) return `node ${quoted} must not set blockOwnerDeletion on an owner reference`;
  const known = lookup.node(node);
  if (known === undefined) return notFound({ group: '', resource: 'nodes' }, node);
  const uid = known.metadata?.uid ?? '';
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`;
}

/** A mirror pod refers to nothing, lest the node gain access to what its pods refer to. */
function referenceProblem(node: string, { spec }: Pod): string | undefined {
  if (spec === undefined) return undefined;
  const cannot = (what: string): string => `node ${goQuote(node)} can not create pods that reference ${what}`;
  const volumes = spec.volumes ?? [];
  const usesTrustBundle = volumes.some(({ projected }) =>
    projected?.sources?.some(({ clusterTrustBundle }) => clusterTrustBundle !== undefined),
  );
  if ((spec.serviceAccountName ?? '') !== '') return cannot('a service account');
  if (podSecretNames(spec).next().done !== true) return cannot('secrets');
  if (podConfigMapNames(spec).next().done !== true) return cannot('configmaps');
  if (usesTrustBundle) return cannot('clustertrustbundles');
  if (volumes.some((volume) => volume.persistentVolumeClaim !== undefined)) return cannot('persistentvolumeclaims');
  if ((spec.resourceClaims ?? []).length > 0) return cannot('resourceclaims');
  return undefined;
}

export function checkPodStatus(node: string, request: AdmissionRequest): void {
  if (request.operation !== 'UPDATE') throw refusal(request, `unexpected operation ${goQuote(request.operation)}`);
  const old = request.old as DeepReadonly<Pod>;
  const pod = request.object as Pod;
  const cannot = (what: string): ApiError => refusal(request, `node ${goQuote(node)} cannot update ${what}`);
  if (old.spec?.nodeName !== node) {
    throw refusal(
      request,
      `node ${goQuote(node)} can only update pod status for pods with spec.nodeName set to itself`,
    );
  }
  if (!sameLabels(old.metadata?.labels, pod.metadata?.labels)) throw cannot('labels through pod status');
  // The misspelling is upstream's.
  if (claims(old) !== claims(pod)) throw cannot('resource claim statues');
  if (extendedClaim(old) !== extendedClaim(pod)) throw cannot('extended resource claim status');
}

type Labels = DeepReadonly<Record<string, string>>;

function sameLabels(a: Labels = {}, b: Labels = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function claims({ status }: DeepReadonly<Pod>): string {
  return JSON.stringify(
    (status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName]),
  );
}

function extendedClaim({ status }: DeepReadonly<Pod>): string {
  return JSON.stringify(status?.extendedResourceClaimStatus ?? null);
}

export function checkPodEviction(node: string, request: AdmissionRequest, lookup: Lookup): void {
  const { operation, namespace, name } = request;
  if (operation !== 'CREATE') throw refusal(request, `unexpected operation ${operation}`);
  if (name === '') throw refusal(request, 'could not determine pod from request data');
  const pod = lookup.pod(namespace, name);
  if (pod === undefined) throw notFound(request.resource.groupResource, name);
  if (pod.spec?.nodeName === node) return;
  throw refusal(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
}
