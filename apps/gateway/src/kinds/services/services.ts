import { type Service, type ServiceSpec, resources } from '#api';
import { nameIsDnsLabel } from '../common/name-rules';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE, labelsText } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { externalAddresses, portsText } from './service-text';
import { dropWhatTheTypeLacks, isReachableFromOutside, keepAddress } from './service-type';
import { serviceValidation } from './service-validation';

const AFFINITY_SECONDS = 10_800;

export const services: ResourceStrategy<Service> = {
  resource: resources.services,
  ...serviceValidation,
  nameRule: nameIsDnsLabel,

  setDefaults({ spec }) {
    if (spec !== undefined) setServiceSpecDefaults(spec);
  },

  prepareForUpdate({ spec }, old) {
    if (spec === undefined || old.spec === undefined) return;
    keepAddress(spec, old.spec);
    dropWhatTheTypeLacks(spec, old.spec);
  },

  fieldSelectors: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
  generation: 'none',
  allowCreateOnUpdate: true,
  returnsDeletedObject: true,

  table: tableOf(resources.services, [
    nameColumn,
    { name: 'Type', about: '.spec.type', cell: ({ spec }) => spec?.type ?? '' },
    { name: 'Cluster-IP', about: '.spec.clusterIP', cell: ({ spec }) => spec?.clusterIPs?.[0] ?? NONE },
    { name: 'External-IP', about: '.spec.externalIPs', cell: externalAddresses },
    { name: 'Port(s)', about: '.spec.ports', cell: ({ spec }) => portsText(spec?.ports) },
    ageColumn,
    { name: 'Selector', wide: true, about: '.spec.selector', cell: ({ spec }) => labelsText(spec?.selector) },
  ]),
};

/** Addresses and node ports are the allocator's, the rest is here. */
function setServiceSpecDefaults(spec: ServiceSpec): void {
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const clientIP = ((spec.sessionAffinityConfig ??= {}).clientIP ??= {});
    clientIP.timeoutSeconds ??= AFFINITY_SECONDS;
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    // Go cannot tell "not given" from 0 and ''.
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (isReachableFromOutside(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}
