import { type VolumeAttributesClass, resources } from '#api';
import { addFinalizer } from '../common/finalizers';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { volumeAttributesClassValidation } from './storage-class-validation';

export const volumeAttributesClasses: ResourceStrategy<VolumeAttributesClass> = {
  resource: resources.volumeAttributesClasses,
  ...volumeAttributesClassValidation,
  prepareForCreate: (volumeClass) => addFinalizer(volumeClass, 'kubernetes.io/vac-protection'),
  returnsDeletedObject: true,
  table: tableOf(resources.volumeAttributesClasses, [
    nameColumn,
    { name: 'DriverName', about: '.driverName', cell: ({ driverName }) => driverName },
    ageColumn,
  ]),
};
