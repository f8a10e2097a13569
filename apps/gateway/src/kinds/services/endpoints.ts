import { type Endpoints, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE, firstOf } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { endpointsValidation } from './endpoints-validation';

const SHOWN = 3;

export const endpoints: ResourceStrategy<Endpoints> = {
  resource: resources.endpoints,
  ...endpointsValidation,

  setDefaults({ subsets = [] }) {
    for (const { ports = [] } of subsets) for (const port of ports) port.protocol ||= 'TCP';
  },

  allowCreateOnUpdate: true,

  table: tableOf(resources.endpoints, [
    nameColumn,
    { name: 'Endpoints', about: '.subsets', cell: addressesOf },
    ageColumn,
  ]),
};

function addressesOf({ subsets = [] }: DeepReadonly<Endpoints>): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  return all.length === 0 ? NONE : firstOf(all, SHOWN);
}
