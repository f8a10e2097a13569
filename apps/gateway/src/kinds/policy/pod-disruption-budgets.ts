import { type PodDisruptionBudget, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { podDisruptionBudgetValidation } from './pod-disruption-budget-validation';

const NOT_GIVEN = 'N/A';

export const podDisruptionBudgets: ResourceStrategy<PodDisruptionBudget> = {
  resource: resources.podDisruptionBudgets,
  ...podDisruptionBudgetValidation,
  allowUnconditionalUpdate: false,
  table: tableOf(resources.podDisruptionBudgets, [
    nameColumn,
    {
      name: 'Min Available',
      about: 'The minimum number of pods that must be available.',
      cell: ({ spec }) => String(spec?.minAvailable ?? NOT_GIVEN),
    },
    {
      name: 'Max Unavailable',
      about: 'The maximum number of pods that may be unavailable.',
      cell: ({ spec }) => String(spec?.maxUnavailable ?? NOT_GIVEN),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      about: 'Calculated number of pods that may be disrupted at this time.',
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ]),
};
