import net from 'node:net';
import { type IPAddress, type ServiceCIDR, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { serviceCidrValidation } from './address-range-validation';
import { ipAddressValidation } from './address-range-validation';

export const serviceCidrs: ResourceStrategy<ServiceCIDR> = {
  resource: resources.serviceCIDRs,
  ...serviceCidrValidation,
  generation: 'none',
  table: tableOf(resources.serviceCIDRs, [
    nameColumn,
    { name: 'CIDRs', about: '.spec.cidrs', cell: ({ spec }) => (spec?.cidrs ?? []).join(',') },
    ageColumn,
  ]),
};

export const ipAddresses: ResourceStrategy<IPAddress> = {
  resource: resources.ipAddresses,
  ...ipAddressValidation,
  nameRule: (name) => (net.isIP(name) === 0 ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : []),
  table: tableOf(resources.ipAddresses, [
    nameColumn,
    {
      name: 'ParentRef',
      about: '.spec.parentRef',
      cell: ({ spec }) => {
        const { group = '', resource, namespace = '', name } = spec?.parentRef ?? { resource: '', name: '' };
        return [group === '' ? resource : `${resource}.${group}`, namespace, name]
          .filter((part) => part !== '')
          .join('/');
      },
    },
  ]),
};
