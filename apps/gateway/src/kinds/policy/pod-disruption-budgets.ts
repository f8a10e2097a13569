import { type PodDisruptionBudget, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';

const NOT_GIVEN = 'N/A';

export const podDisruptionBudgets: ResourceStrategy<PodDisruptionBudget> = {
  resource: resources.podDisruptionBudgets,
  allowUnconditionalUpdate: false,
  table: tableOf(resources.podDisruptionBudgets, [
    nameColumn,
    {
      name: 'Min Available',
      about: 'How many pods must stay.',
      cell: ({ spec }) => String(spec?.minAvailable ?? NOT_GIVEN),
    },
    {
      name: 'Max Unavailable',
      about: 'How many pods may be missing.',
      cell: ({ spec }) => String(spec?.maxUnavailable ?? NOT_GIVEN),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      about: 'How many pods may be disrupted now.',
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ]),
};
