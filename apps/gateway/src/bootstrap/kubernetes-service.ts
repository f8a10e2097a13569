import { type EndpointSlice, type Endpoints, type Service, resources } from '#api';
import { type DeepReadonly, jsonEquals } from '#machinery';
import { type Bootstrap } from './bootstrap';

export interface ServiceAddress {
  /** The cluster IP, first of the service CIDR. */
  readonly clusterIp: string;
  /** Where this gateway can be reached from pods. */
  readonly address: string;
  readonly port: number;
}

/** `default/kubernetes`: how pods find the API. One gateway's address; several take turns on what they write. */
export async function ensureKubernetesService(bootstrap: Bootstrap, target: ServiceAddress): Promise<void> {
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const service: Service = {
    metadata: { ...metadata, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: target.clusterIp,
      clusterIPs: [target.clusterIp],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: target.port }],
    },
  };
  await bootstrap.ensureAll(resources.services, [service], (existing, wanted) => {
    if (jsonEquals(existing.spec?.ports, wanted.spec?.ports)) return undefined;
    const copy = structuredClone(existing) as Service;
    copy.spec = { ...copy.spec, ports: wanted.spec?.ports };
    return copy;
  });
  // What only this host can reach is no endpoint for pods, and not valid in one.
  if (isLoopback(target.address)) return;
  const endpoints: Endpoints = {
    metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: target.address }], ports: [{ name: 'https', port: target.port, protocol: 'TCP' }] }],
  };
  await bootstrap.ensureAll(resources.endpoints, [endpoints], (existing, wanted) =>
    jsonEquals(existing.subsets, wanted.subsets) ? undefined : merged<Endpoints>(existing, { subsets: wanted.subsets }),
  );
  const slice: EndpointSlice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [target.address], conditions: { ready: true } }],
    ports: [{ name: 'https', port: target.port, protocol: 'TCP' }],
  };
  await bootstrap.ensureAll(resources.endpointSlices, [slice], (existing, wanted) =>
    jsonEquals(existing.endpoints, wanted.endpoints) && jsonEquals(existing.ports, wanted.ports)
      ? undefined
      : merged<EndpointSlice>(existing, { endpoints: wanted.endpoints, ports: wanted.ports }),
  );
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === 'localhost';
}

function merged<T extends object>(existing: DeepReadonly<T>, changes: object): T {
  return { ...(structuredClone(existing) as T), ...changes };
}
