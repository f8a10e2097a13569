import { type NetworkPolicy, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { selectorText } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { networkPolicyValidation } from './network-policy-validation';

export const networkPolicies: ResourceStrategy<NetworkPolicy> = {
  resource: resources.networkPolicies,
  ...networkPolicyValidation,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports) port.protocol ??= 'TCP';
    }
    // Policies are older than rules for what leaves, which therefore have to be there to count.
    if ((spec.policyTypes ?? []).length === 0) {
      spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    }
  },

  generation: 'spec',
  table: tableOf(resources.networkPolicies, [
    nameColumn,
    { name: 'Pod-Selector', about: '.spec.podSelector', cell: ({ spec }) => selectorText(spec?.podSelector) },
    ageColumn,
  ]),
};
