import { type ResourceQuota, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { roundResourceList } from '../pods/resource-defaults';
import { type ResourceStrategy } from '../strategy';
import { resourceQuotaValidation } from './resource-quota-validation';

export const resourceQuotas: ResourceStrategy<ResourceQuota> = {
  resource: resources.resourceQuotas,
  ...resourceQuotaValidation,

  setDefaults({ spec, status }) {
    roundResourceList(spec?.hard);
    roundResourceList(status?.hard);
    roundResourceList(status?.used);
  },

  generation: 'none',
  returnsDeletedObject: true,

  table: tableOf(resources.resourceQuotas, [
    nameColumn,
    {
      name: 'Request',
      about: 'Request represents a minimum amount of cpu/memory that a container may consume.',
      cell: (quota) => usage(quota, false),
    },
    {
      name: 'Limit',
      about:
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      cell: (quota) => usage(quota, true),
    },
    ageColumn,
  ]),
};

function usage({ status }: DeepReadonly<ResourceQuota>, ofLimits: boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === ofLimits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name] ?? '0'}`)
    .join(', ');
}
