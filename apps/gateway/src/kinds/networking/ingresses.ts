import { type Ingress, type IngressClass, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE, firstOf } from '../common/text';
import { loadBalancerAddresses } from '../services/service-text';
import { type ResourceStrategy } from '../strategy';

const HOSTS_SHOWN = 3;

export const ingresses: ResourceStrategy<Ingress> = {
  resource: resources.ingresses,
  table: tableOf(resources.ingresses, [
    nameColumn,
    { name: 'Class', about: '.spec.ingressClassName', cell: ({ spec }) => spec?.ingressClassName ?? NONE },
    {
      name: 'Hosts',
      about: 'The host names that the ingress answers to.',
      cell: ({ spec }) => {
        const hosts = (spec?.rules ?? []).map(({ host }) => host ?? '').filter((host) => host !== '');
        return hosts.length === 0 ? '*' : firstOf(hosts, HOSTS_SHOWN);
      },
    },
    {
      name: 'Address',
      about: '.status.loadBalancer',
      cell: ({ status }) => loadBalancerAddresses(status?.loadBalancer?.ingress).join(','),
    },
    {
      name: 'Ports',
      about: 'The ports that the ingress listens on.',
      cell: ({ spec }) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80'),
    },
    ageColumn,
  ]),
};

export const ingressClasses: ResourceStrategy<IngressClass> = {
  resource: resources.ingressClasses,
  setDefaults({ spec }) {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  },
  generation: 'spec',
  table: tableOf(resources.ingressClasses, [
    nameColumn,
    { name: 'Controller', about: '.spec.controller', cell: ({ spec }) => spec?.controller ?? '' },
    {
      name: 'Parameters',
      about: '.spec.parameters',
      cell: ({ spec }) => {
        if (spec?.parameters === undefined) return NONE;
        const { apiGroup, kind, name } = spec.parameters;
        return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`;
      },
    },
    ageColumn,
  ]),
};
