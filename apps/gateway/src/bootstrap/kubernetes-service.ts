import { type EndpointSlice, type EndpointSubset, type Endpoints, type Service, resources } from '#api';
import { type DeepReadonly, jsonEquals } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type Bootstrap } from './bootstrap';
import { type GatewayAddress } from './live-gateways';

const name = 'kubernetes';
const namespace = 'default';

/**
 * Makes `default/kubernetes`, how pods find the API, lead to these gateways. What is written depends on them alone, so that several
 * gateways that do this agree.
 * @param clusterIp first of the service CIDR
 * @param fallbackPort of the Service while there is no gateway that pods can reach
 * @param gateways as `LiveGateways.list` orders them
 */
export async function ensureKubernetesService(
  bootstrap: Bootstrap,
  table: ResourceTable,
  clusterIp: string,
  fallbackPort: number,
  gateways: readonly GatewayAddress[],
): Promise<void> {
  await ensureService(bootstrap, clusterIp, gateways[0]?.port ?? fallbackPort);
  const byPort = new Map<number, string[]>();
  for (const { address, port } of gateways) byPort.set(port, [...(byPort.get(port) ?? []), address]);
  await ensureEndpoints(bootstrap, table, byPort);
  await ensureSlices(bootstrap, table, byPort);
}

async function ensureService(bootstrap: Bootstrap, clusterIp: string, port: number): Promise<void> {
  const service: Service = {
    metadata: { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  };
  await bootstrap.ensureAll(resources.services, [service], (existing, wanted) => {
    if (jsonEquals(existing.spec?.ports, wanted.spec?.ports)) return undefined;
    const copy = structuredClone(existing) as Service;
    copy.spec = { ...copy.spec, ports: wanted.spec?.ports };
    return copy;
  });
}

async function ensureEndpoints(
  bootstrap: Bootstrap,
  table: ResourceTable,
  byPort: ReadonlyMap<number, readonly string[]>,
): Promise<void> {
  const subsets: EndpointSubset[] = [...byPort].map(([port, addresses]) => ({
    addresses: addresses.map((ip) => ({ ip })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }));
  const { cache, key } = lookup(table, resources.endpoints);
  // Upstream writes none before there is an address for them.
  if (subsets.length === 0 && cache.get(key(namespace, name)) === undefined) return;
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  const endpoints: Endpoints = { metadata: { name, namespace, labels }, subsets };
  await bootstrap.ensureAll(resources.endpoints, [endpoints], (existing) =>
    jsonEquals(existing.subsets ?? [], subsets) ? undefined : merged<Endpoints>(existing, { subsets }),
  );
}

/** A slice has one set of ports: gateways on other ports than the first get slices of their own. */
async function ensureSlices(
  bootstrap: Bootstrap,
  table: ResourceTable,
  byPort: ReadonlyMap<number, readonly string[]>,
): Promise<void> {
  const wanted = new Map<string, EndpointSlice>();
  for (const [port, addresses] of byPort) {
    const own = wanted.size === 0 ? name : `${name}-${port}`;
    wanted.set(own, {
      metadata: { name: own, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    });
  }
  await bootstrap.ensureAll(resources.endpointSlices, [...wanted.values()], (existing, { endpoints, ports }) =>
    jsonEquals(existing.endpoints, endpoints) && jsonEquals(existing.ports, ports)
      ? undefined
      : merged<EndpointSlice>(existing, { endpoints, ports }),
  );
  const { cache } = lookup(table, resources.endpointSlices);
  const prefix = `${cache.prefix}${namespace}/${name}`;
  const stale = [...cache.range(prefix)]
    .map(({ key }) => key.slice(cache.prefix.length + namespace.length + 1))
    .filter((found) => /^kubernetes(?:-\d+)?$/.test(found) && !wanted.has(found));
  for (const found of stale) await bootstrap.remove(resources.endpointSlices, namespace, found);
}

function lookup(table: ResourceTable, definition: typeof resources.endpoints | typeof resources.endpointSlices) {
  const resource = table.require(definition);
  return { cache: resource.cache, key: (in_: string, of: string) => resource.key(in_, of) };
}

/** What only this host can reach is no endpoint for pods, and not valid in one. */
export function isReachable({ address }: GatewayAddress): boolean {
  return !(address.startsWith('127.') || address === '::1' || address === 'localhost' || address === '0.0.0.0');
}

function merged<T extends object>(existing: DeepReadonly<T>, changes: object): T {
  return { ...(structuredClone(existing) as T), ...changes };
}
