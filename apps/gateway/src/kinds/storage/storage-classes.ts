import { type StorageClass, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { storageClassValidation } from './storage-class-validation';

const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export const storageClasses: ResourceStrategy<StorageClass> = {
  resource: resources.storageClasses,
  ...storageClassValidation,

  setDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },

  returnsDeletedObject: true,

  table: tableOf(resources.storageClasses, [
    {
      ...nameColumn,
      cell: ({ metadata }) => {
        const isDefault = DEFAULT_CLASS.some((annotation) => metadata?.annotations?.[annotation] === 'true');
        return `${metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`;
      },
    },
    { name: 'Provisioner', about: '.provisioner', cell: ({ provisioner }) => provisioner },
    { name: 'ReclaimPolicy', about: '.reclaimPolicy', cell: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete' },
    {
      name: 'VolumeBindingMode',
      about: '.volumeBindingMode',
      cell: ({ volumeBindingMode }) => volumeBindingMode ?? NONE,
    },
    {
      name: 'AllowVolumeExpansion',
      about: '.allowVolumeExpansion',
      cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    },
    ageColumn,
  ]),
};
