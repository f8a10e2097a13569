import { type PersistentVolumeClaim, type PersistentVolumeClaimSpec, resources } from '#api';
import { addFinalizer } from '../common/finalizers';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { UNSET } from '../common/text';
import { roundResourceList } from '../pods/resource-defaults';
import { type ResourceStrategy } from '../strategy';
import { accessModesText, storageClassOf } from './access-modes';
import { setClaimSpecDefaults } from './claim-defaults';
import { claimValidation } from './claim-validation';

export function setClaimDefaults(claim: PersistentVolumeClaim): void {
  claim.spec ??= {};
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
  setClaimSpecDefaults(claim.spec);
  roundResourceList(claim.status.capacity);
}

export const persistentVolumeClaims: ResourceStrategy<PersistentVolumeClaim> = {
  resource: resources.persistentVolumeClaims,
  ...claimValidation,
  setDefaults: setClaimDefaults,

  prepareForCreate(claim) {
    addFinalizer(claim, 'kubernetes.io/pvc-protection');
    claim.status = { phase: 'Pending' };
    if (claim.spec !== undefined) mirrorDataSource(claim.spec);
  },

  prepareForUpdate(claim) {
    if (claim.spec !== undefined) mirrorDataSource(claim.spec);
  },

  generation: 'none',
  returnsDeletedObject: true,

  table: tableOf(resources.persistentVolumeClaims, [
    nameColumn,
    {
      name: 'Status',
      about: '.status.phase',
      cell: ({ metadata, status }) =>
        metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    },
    { name: 'Volume', about: '.spec.volumeName', cell: ({ spec }) => spec?.volumeName ?? '' },
    {
      name: 'Capacity',
      about: '.status.capacity',
      cell: ({ spec, status }) => (spec?.volumeName ? (status?.capacity?.storage ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      about: '.status.accessModes',
      cell: ({ spec, status }) => (spec?.volumeName ? accessModesText(status?.accessModes) : ''),
    },
    {
      name: 'StorageClass',
      about: 'StorageClass of the pvc',
      cell: ({ metadata, spec }) => storageClassOf(metadata, spec?.storageClassName),
    },
    {
      name: 'VolumeAttributesClass',
      about: 'VolumeAttributesClass of the pvc',
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? UNSET,
    },
    ageColumn,
    { name: 'VolumeMode', wide: true, about: '.spec.volumeMode', cell: ({ spec }) => spec?.volumeMode ?? UNSET },
  ]),
};

/** `dataSourceRef` is the younger field, which may name any kind; each fills in for the other where it can. */
function mirrorDataSource(spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined && dataSourceRef === undefined) {
    spec.dataSourceRef = { ...dataSource };
  } else if (dataSource === undefined && dataSourceRef !== undefined && !dataSourceRef.namespace) {
    const { kind, name, apiGroup } = dataSourceRef;
    spec.dataSource = { kind, name, ...(apiGroup === undefined ? {} : { apiGroup }) };
  }
}
