import { type Ingress, type IngressClass, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE, firstOf } from '../common/text';
import { loadBalancerAddresses } from '../services/service-text';
import { type ResourceStrategy } from '../strategy';
import { ingressValidation } from './ingress-validation';
import { ingressClassValidation } from './ingress-validation';

const HOSTS_SHOWN = 3;

export const ingresses: ResourceStrategy<Ingress> = {
  resource: resources.ingresses,
  ...ingressValidation,
  table: tableOf(resources.ingresses, [
    nameColumn,
    {
      name: 'Class',
      about: 'The name of the IngressClass resource that should be used for additional configuration',
      cell: ({ spec }) => spec?.ingressClassName ?? NONE,
    },
    {
      name: 'Hosts',
      about: 'Hosts that incoming requests are matched against before the ingress rule',
      cell: ({ spec }) => {
        const hosts = (spec?.rules ?? []).map(({ host }) => host ?? '').filter((host) => host !== '');
        return hosts.length === 0 ? '*' : firstOf(hosts, HOSTS_SHOWN);
      },
    },
    {
      name: 'Address',
      about: 'Address is a list containing ingress points for the load-balancer',
      cell: ({ status }) => loadBalancerAddresses(status?.loadBalancer?.ingress).join(','),
    },
    {
      name: 'Ports',
      about: 'Ports of TLS configurations that open',
      cell: ({ spec }) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80'),
    },
    ageColumn,
  ]),
};

export const ingressClasses: ResourceStrategy<IngressClass> = {
  resource: resources.ingressClasses,
  ...ingressClassValidation,
  setDefaults({ spec }) {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  },
  generation: 'spec',
  table: tableOf(resources.ingressClasses, [
    nameColumn,
    {
      name: 'Controller',
      about: 'Controller that is responsible for handling this class',
      cell: ({ spec }) => spec?.controller ?? '',
    },
    {
      name: 'Parameters',
      about: 'A reference to a resource with additional parameters',
      cell: ({ spec }) => {
        if (spec?.parameters === undefined) return NONE;
        const { apiGroup, kind, name } = spec.parameters;
        return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`;
      },
    },
    ageColumn,
  ]),
};
