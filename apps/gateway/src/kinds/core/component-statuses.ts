import { type ComponentStatus, resources } from '#api';
import { nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';

function healthy({
  conditions = [],
}: {
  readonly conditions?: readonly { type: string; status: string; message?: string; error?: string }[];
}) {
  return conditions.find(({ type }) => type === 'Healthy');
}

export const componentStatuses: ResourceStrategy<ComponentStatus> = {
  resource: resources.componentStatuses,
  nameInErrors: 'componentstatus',
  table: tableOf(resources.componentStatuses, [
    nameColumn,
    {
      name: 'Status',
      about: 'Status of the component conditions',
      cell: (status) => ({ True: 'Healthy', False: 'Unhealthy' })[healthy(status)?.status ?? ''] ?? 'Unknown',
    },
    {
      name: 'Message',
      about: 'Message of the component conditions',
      cell: (status) => healthy(status)?.message ?? '',
    },
    { name: 'Error', about: 'Error of the component conditions', cell: (status) => healthy(status)?.error ?? '' },
  ]),
};
