import { type EndpointSlice, resources } from '#api';
import { jsonEquals } from '#machinery';
import { emptyIsNull } from '../common/lists';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { UNSET, firstOf } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { endpointSliceValidation } from './endpoints-validation';

const SHOWN = 3;

export const endpointSlices: ResourceStrategy<EndpointSlice> = {
  resource: resources.endpointSlices,
  ...endpointSliceValidation,

  setDefaults(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },

  prepareForCreate: (slice) => emptyIsNull(slice, 'endpoints'),
  prepareForUpdate: (slice) => emptyIsNull(slice, 'endpoints'),

  // Labels say which service the slice belongs to, so they count.
  generation: (slice, old) =>
    !jsonEquals(slice.endpoints, old.endpoints) ||
    !jsonEquals(slice.ports, old.ports) ||
    slice.addressType !== old.addressType ||
    !jsonEquals(slice.metadata?.labels ?? {}, old.metadata?.labels ?? {}),

  table: tableOf(resources.endpointSlices, [
    nameColumn,
    { name: 'AddressType', about: '.addressType', cell: ({ addressType }) => addressType },
    {
      name: 'Ports',
      about: '.ports',
      cell: ({ ports }) => {
        const numbers = (ports ?? []).map(({ port }) => (port === undefined ? '*' : String(port)));
        return numbers.length === 0 ? UNSET : firstOf(numbers, SHOWN);
      },
    },
    {
      name: 'Endpoints',
      about: '.endpoints',
      cell: ({ endpoints }) => {
        const addresses = (endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
        return addresses.length === 0 ? UNSET : firstOf(addresses, SHOWN);
      },
    },
    ageColumn,
  ]),
};
