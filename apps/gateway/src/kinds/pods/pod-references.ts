import { type Container, type EphemeralContainer, type PodSpec, type Volume } from '#api';
import { type DeepReadonly } from '#machinery';

type Spec = DeepReadonly<PodSpec>;

/** Names of the Secrets that a pod uses, in its own namespace (`VisitPodSecretNames`); a name may come more than once. */
export function* podSecretNames(spec: Spec): Generator<string> {
  for (const { name = '' } of spec.imagePullSecrets ?? []) if (name !== '') yield name;
  for (const { env = [], envFrom = [] } of allContainers(spec)) {
    for (const { secretRef } of envFrom) if (secretRef?.name) yield secretRef.name;
    for (const { valueFrom } of env) if (valueFrom?.secretKeyRef?.name) yield valueFrom.secretKeyRef.name;
  }
  for (const volume of spec.volumes ?? []) for (const name of volumeSecretNames(volume)) if (name) yield name;
}

/** The same for ConfigMaps (`VisitPodConfigmapNames`). */
export function* podConfigMapNames(spec: Spec): Generator<string> {
  for (const { env = [], envFrom = [] } of allContainers(spec)) {
    for (const { configMapRef } of envFrom) if (configMapRef?.name) yield configMapRef.name;
    for (const { valueFrom } of env) if (valueFrom?.configMapKeyRef?.name) yield valueFrom.configMapKeyRef.name;
  }
  for (const { configMap, projected } of spec.volumes ?? []) {
    if (configMap?.name) yield configMap.name;
    for (const source of projected?.sources ?? []) if (source.configMap?.name) yield source.configMap.name;
  }
}

function* allContainers(spec: Spec): Generator<DeepReadonly<Container | EphemeralContainer>> {
  yield* spec.initContainers ?? [];
  yield* spec.containers ?? [];
  yield* spec.ephemeralContainers ?? [];
}

function volumeSecretNames(volume: DeepReadonly<Volume>): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
  ];
}
