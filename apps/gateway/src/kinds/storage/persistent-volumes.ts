import { type PersistentVolume, type Volume, resources } from '#api';
import { addFinalizer } from '../common/finalizers';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { UNSET } from '../common/text';
import { roundResourceList } from '../pods/resource-defaults';
import { setSourceDefaults } from '../pods/volume-defaults';
import { type ResourceStrategy } from '../strategy';
import { accessModesText, storageClassOf } from './access-modes';
import { persistentVolumeValidation } from './volume-validation';

export const persistentVolumes: ResourceStrategy<PersistentVolume> = {
  resource: resources.persistentVolumes,
  ...persistentVolumeValidation,

  setDefaults(volume) {
    volume.status ??= {};
    volume.status.phase ||= 'Pending';
    const { spec } = volume;
    if (spec === undefined) return;
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    roundResourceList(spec.capacity);
    // Sources have the same fields and defaults as in pods.
    setSourceDefaults(spec as unknown as Volume);
  },

  prepareForCreate(volume, { now }) {
    addFinalizer(volume, 'kubernetes.io/pv-protection');
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: now };
  },

  subresources: {
    status: {
      prepareForUpdate({ status }, old, { now }) {
        if (status === undefined || status.phase === old.status?.phase) return;
        if (status.lastPhaseTransitionTime === old.status?.lastPhaseTransitionTime)
          status.lastPhaseTransitionTime = now;
      },
    },
  },
  generation: 'none',
  returnsDeletedObject: true,

  table: tableOf(resources.persistentVolumes, [
    nameColumn,
    { name: 'Capacity', about: '.spec.capacity', cell: ({ spec }) => spec?.capacity?.storage ?? '0' },
    { name: 'Access Modes', about: '.spec.accessModes', cell: ({ spec }) => accessModesText(spec?.accessModes) },
    {
      name: 'Reclaim Policy',
      about: '.spec.persistentVolumeReclaimPolicy',
      cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '',
    },
    {
      name: 'Status',
      about: '.status.phase',
      cell: ({ metadata, status }) =>
        metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    },
    {
      name: 'Claim',
      about: '.spec.claimRef',
      cell: ({ spec }) =>
        spec?.claimRef === undefined ? '' : `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}`,
    },
    {
      name: 'StorageClass',
      about: 'StorageClass of the pv',
      cell: ({ metadata, spec }) => storageClassOf(metadata, spec?.storageClassName),
    },
    {
      name: 'VolumeAttributesClass',
      about: 'VolumeAttributesClass of the pv',
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? UNSET,
    },
    { name: 'Reason', about: '.status.reason', cell: ({ status }) => status?.reason ?? '' },
    ageColumn,
    { name: 'VolumeMode', wide: true, about: '.spec.volumeMode', cell: ({ spec }) => spec?.volumeMode ?? UNSET },
  ]),
};
