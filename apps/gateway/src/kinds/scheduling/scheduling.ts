import { type Lease, type PriorityClass, type RuntimeClass, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { priorityClassValidation } from './scheduling-validation';
import { runtimeClassValidation } from './scheduling-validation';
import { leaseValidation } from './scheduling-validation';

export const priorityClasses: ResourceStrategy<PriorityClass> = {
  resource: resources.priorityClasses,
  ...priorityClassValidation,
  setDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  // It starts with one and nothing that may change counts.
  generation: () => false,
  table: tableOf(resources.priorityClasses, [
    nameColumn,
    { name: 'Value', type: 'integer', about: '.value', cell: ({ value }) => value ?? 0 },
    {
      name: 'Global-Default',
      type: 'boolean',
      about: '.globalDefault',
      cell: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    { name: 'PreemptionPolicy', about: '.preemptionPolicy', cell: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
  ]),
};

export const runtimeClasses: ResourceStrategy<RuntimeClass> = {
  resource: resources.runtimeClasses,
  ...runtimeClassValidation,
  allowUnconditionalUpdate: false,
  table: tableOf(resources.runtimeClasses, [
    nameColumn,
    { name: 'Handler', about: '.handler', cell: ({ handler }) => handler },
    ageColumn,
  ]),
};

export const leases: ResourceStrategy<Lease> = {
  resource: resources.leases,
  ...leaseValidation,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  table: tableOf(resources.leases, [
    nameColumn,
    { name: 'Holder', about: '.spec.holderIdentity', cell: ({ spec }) => spec?.holderIdentity ?? '' },
    ageColumn,
  ]),
};
