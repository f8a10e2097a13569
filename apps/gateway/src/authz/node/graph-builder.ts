import { type PersistentVolume, type Pod, type ResourceSlice, type VolumeAttachment } from '#api';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { podConfigMapNames, podSecretNames } from '../../kinds/pods/pod-references';
import { nodeVisibleSecrets } from '../../kinds/storage/volume-secrets';
import { type NodeGraph, type Vertex, type VertexKind, vertex } from './node-graph';

type ReadonlyPod = DeepReadonly<Pod>;

export const mirrorPodAnnotation = 'kubernetes.io/config.mirror';

/** Takes one object into the graph, in the state that it is in now. */
export type Contribution = (graph: NodeGraph, object: DeepReadonly<KubernetesObject>) => void;

/** What contributes to the graph, by plural. */
export const contributions = {
  pods: (graph, object) => addPod(graph, object),
  persistentvolumes: (graph, object) => addVolume(graph, object),
  volumeattachments: (graph, object) => addOwned(graph, 'volumeattachments', object as DeepReadonly<VolumeAttachment>),
  resourceslices: (graph, object) => addOwned(graph, 'resourceslices', object as DeepReadonly<ResourceSlice>),
} as const satisfies Partial<Record<VertexKind, Contribution>>;

export type ContributingKind = keyof typeof contributions;

export function vertexOf(kind: VertexKind, { metadata }: DeepReadonly<KubernetesObject>): Vertex {
  return vertex(kind, metadata?.namespace ?? '', metadata?.name ?? '');
}

function addPod(graph: NodeGraph, pod: ReadonlyPod): void {
  const node = pod.spec?.nodeName ?? '';
  const self = vertexOf('pods', pod);
  if (node === '') graph.remove(self);
  else graph.relate(self, node, podReferences(pod));
}

function* podReferences(pod: ReadonlyPod): Generator<Vertex> {
  const { metadata, spec, status } = pod;
  // A node must never gain access to anything by a pod that it creates itself.
  if (spec === undefined || metadata?.annotations?.[mirrorPodAnnotation] !== undefined) return;
  const namespace = metadata?.namespace ?? '';
  if (spec.serviceAccountName) yield vertex('serviceaccounts', namespace, spec.serviceAccountName);
  for (const name of podSecretNames(spec)) yield vertex('secrets', namespace, name);
  for (const name of podConfigMapNames(spec)) yield vertex('configmaps', namespace, name);
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    const claim =
      persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? '' : `${metadata?.name ?? ''}-${name}`);
    if (claim !== '') yield vertex('persistentvolumeclaims', namespace, claim);
  }
  for (const { name, resourceClaimName, resourceClaimTemplateName } of spec.resourceClaims ?? []) {
    const generated = status?.resourceClaimStatuses?.find((candidate) => candidate.name === name)?.resourceClaimName;
    const claim = resourceClaimName ?? (resourceClaimTemplateName === undefined ? undefined : generated);
    if (claim) yield vertex('resourceclaims', namespace, claim);
  }
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName;
  if (extended) yield vertex('resourceclaims', namespace, extended);
}

function addVolume(graph: NodeGraph, volume: DeepReadonly<PersistentVolume>): void {
  const self = vertexOf('persistentvolumes', volume);
  const claim = volume.spec?.claimRef;
  if (claim === undefined) return graph.remove(self);
  const secrets = nodeVisibleSecrets(volume).map(({ namespace, name }) => vertex('secrets', namespace, name));
  graph.bindVolume(self, vertex('persistentvolumeclaims', claim.namespace ?? '', claim.name ?? ''), secrets);
}

function addOwned(
  graph: NodeGraph,
  kind: 'volumeattachments' | 'resourceslices',
  object: DeepReadonly<VolumeAttachment | ResourceSlice>,
): void {
  const node = object.spec?.nodeName ?? '';
  if (node === '') graph.remove(vertexOf(kind, object));
  else graph.relate(vertexOf(kind, object), node, []);
}

/**
 * Whether a change can matter to the graph at all. What a bound pod refers to never changes but for its resource claims,
 * and most changes of pods are reports of their status.
 */
export function mayMatter(kind: ContributingKind, now: ReadonlyPod, before: ReadonlyPod | undefined): boolean {
  if (kind !== 'pods' || before === undefined) return true;
  return (
    now.metadata?.uid !== before.metadata?.uid ||
    now.spec?.nodeName !== before.spec?.nodeName ||
    now.spec?.ephemeralContainers?.length !== before.spec?.ephemeralContainers?.length ||
    claimsOf(now) !== claimsOf(before)
  );
}

function claimsOf({ status }: ReadonlyPod): string {
  if (status?.resourceClaimStatuses === undefined && status?.extendedResourceClaimStatus === undefined) return '';
  return JSON.stringify([status.resourceClaimStatuses, status.extendedResourceClaimStatus]);
}
