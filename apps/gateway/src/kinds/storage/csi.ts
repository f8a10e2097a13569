import { type CSIDriver, type CSINode, type CSIStorageCapacity, resources } from '#api';
import { jsonEquals } from '#machinery';
import { emptyIsNull } from '../common/lists';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE, UNSET } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { csiNodeValidation } from './csi-node-validation';
import { csiDriverValidation, csiStorageCapacityValidation } from './storage-class-validation';

export const csiDrivers: ResourceStrategy<CSIDriver> = {
  resource: resources.csiDrivers,
  ...csiDriverValidation,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },

  prepareForUpdate(driver, old) {
    // Counts changes, but from none, not from one.
    const meta = (driver.metadata ??= {});
    if (!jsonEquals(driver.spec, old.spec)) meta.generation = (old.metadata?.generation ?? 0) + 1;
  },
  allowUnconditionalUpdate: false,
  returnsDeletedObject: true,

  table: tableOf(resources.csiDrivers, [
    nameColumn,
    {
      name: 'AttachRequired',
      type: 'boolean',
      about: '.spec.attachRequired',
      cell: ({ spec }) => spec.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      about: '.spec.podInfoOnMount',
      cell: ({ spec }) => spec.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      about: '.spec.storageCapacity',
      cell: ({ spec }) => spec.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      about: '.spec.tokenRequests',
      cell: ({ spec }) => (spec.tokenRequests ?? []).map(({ audience }) => audience).join(',') || UNSET,
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      about: '.spec.requiresRepublish',
      cell: ({ spec }) => spec.requiresRepublish ?? false,
    },
    {
      name: 'Modes',
      about: '.spec.volumeLifecycleModes',
      cell: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || NONE,
    },
    ageColumn,
  ]),
};

export const csiNodes: ResourceStrategy<CSINode> = {
  resource: resources.csiNodes,
  ...csiNodeValidation,
  prepareForCreate: ({ spec }) => emptyIsNull(spec, 'drivers'),
  prepareForUpdate: ({ spec }) => emptyIsNull(spec, 'drivers'),
  allowUnconditionalUpdate: false,
  returnsDeletedObject: true,
  table: tableOf(resources.csiNodes, [
    nameColumn,
    {
      name: 'Drivers',
      type: 'integer',
      about: 'Drivers indicates the number of CSI drivers registered on the node',
      // An empty list is held as null.
      cell: ({ spec }) => (spec.drivers as readonly unknown[] | null)?.length ?? 0,
    },
    ageColumn,
  ]),
};

export const csiStorageCapacities: ResourceStrategy<CSIStorageCapacity> = {
  resource: resources.csiStorageCapacities,
  ...csiStorageCapacityValidation,
  allowUnconditionalUpdate: false,
};
