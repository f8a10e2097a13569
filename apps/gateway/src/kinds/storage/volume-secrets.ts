import { type PersistentVolume } from '#api';
import { type DeepReadonly } from '#machinery';

/** Secrets of a bound volume that the node needs to mount it (`VisitPVSecretNames`, what is `kubeletVisible`). */
export function nodeVisibleSecrets(volume: DeepReadonly<PersistentVolume>): { namespace: string; name: string }[] {
  const { spec } = volume;
  if (spec?.claimRef === undefined) return [];
  const home = spec.claimRef.namespace ?? '';
  const references: ({ readonly name?: string; readonly namespace?: string } | undefined)[] = [
    spec.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace },
    spec.cephfs?.secretRef,
    spec.cinder?.secretRef,
    spec.flexVolume?.secretRef,
    spec.rbd?.secretRef,
    spec.scaleIO?.secretRef,
    spec.iscsi?.secretRef,
    spec.storageos?.secretRef,
    spec.csi?.nodePublishSecretRef,
    spec.csi?.nodeStageSecretRef,
    spec.csi?.nodeExpandSecretRef,
  ];
  return references.flatMap((reference) =>
    reference?.name === undefined || reference.name === ''
      ? []
      : [{ name: reference.name, namespace: reference.namespace || home }],
  );
}
