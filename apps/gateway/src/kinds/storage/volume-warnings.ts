import { type PersistentVolume, type PersistentVolumeSpec } from '#api';
import { type DeepReadonly, FieldPath } from '#machinery';
import { nodeSelectorTermWarnings, volumeAnnotationWarnings, warnAt } from '../common/warnings';

const spec = FieldPath.of('spec');

const oldSources: readonly (readonly [keyof PersistentVolumeSpec, string])[] = [
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

/** `GetWarningsForPersistentVolume`. */
export function volumeWarnings({ metadata, spec: own = {} }: DeepReadonly<PersistentVolume>): string[] {
  const terms = spec.child('nodeAffinity', 'required', 'nodeSelectorTerms');
  const recycling =
    'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
  return [
    ...volumeAnnotationWarnings(metadata),
    ...(own.persistentVolumeReclaimPolicy === 'Recycle'
      ? [warnAt(spec.child('persistentVolumeReclaimPolicy'), recycling)]
      : []),
    ...(own.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, index) =>
      nodeSelectorTermWarnings(term, terms.index(index), false),
    ),
    ...oldSources
      .filter(([name]) => own[name] !== undefined)
      .map(([name, text]) => warnAt(spec.child(name === 'storageos' ? 'storageOS' : name), text)),
  ];
}
