import { type EndpointSlice, resources, type Service } from '#api';
import { type InformerFactory } from '#controller';
import { type DeepReadonly } from '#machinery';
import { canonicalIp } from '#network';

/** What the records are made of. */
export interface ClusterView {
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): DeepReadonly<Service> | undefined;
  /** Slices of a service. */
  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[];
  /** @param ip in canonical form, as below */
  servicesByClusterIp(ip: string): readonly DeepReadonly<Service>[];
  slicesByAddress(ip: string): readonly DeepReadonly<EndpointSlice>[];
}

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const BY_CLUSTER_IP = 'dns/cluster-ip';
const BY_ADDRESS = 'dns/address';
const BY_SERVICE = 'dns/service';

/** IPv6 addresses can be written in many ways. */
function canonical(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => canonicalIp(address) ?? []);
}

/** The view through shared informers. `synced` resolves once it is complete. */
export function informerView(informers: InformerFactory): ClusterView & { synced(): Promise<void> } {
  const namespaces = informers.informer(resources.namespaces);
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointSlices);
  services.addIndex(BY_CLUSTER_IP, ({ spec }) =>
    canonical(spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP])),
  );
  slices.addIndex(BY_ADDRESS, ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => canonical(addresses)));
  slices.addIndex(BY_SERVICE, ({ metadata }) => {
    const service = metadata?.labels?.[SERVICE_NAME_LABEL];
    return service === undefined ? [] : [`${metadata?.namespace}/${service}`];
  });
  return {
    hasNamespace: (name) => namespaces.lister.get('', name) !== undefined,
    service: (namespace, name) => services.lister.get(namespace, name),
    slices: (namespace, service) => slices.lister.byIndex(BY_SERVICE, `${namespace}/${service}`),
    servicesByClusterIp: (ip) => services.lister.byIndex(BY_CLUSTER_IP, ip),
    slicesByAddress: (ip) => slices.lister.byIndex(BY_ADDRESS, ip),
    synced: async () => void (await Promise.all([namespaces, services, slices].map((informer) => informer.waitFor(0)))),
  };
}
