import { type DiscoveryEndpointPort, type Endpoint, type Node, type Pod, type Service } from '#api';
import { isPodReady } from '#controller';
import { type DeepReadonly } from '#machinery';
import { canonicalIp, ipFamily } from '#network';
import { endpointHostname, hasEndpoint, isHeadless, podIps, targetPort } from '../service-pods';
import { labels } from '../well-known';
import { type AddressType, type EndpointGroup } from './plan-slices';

export interface PodEndpoints {
  readonly groups: readonly EndpointGroup[];
  /** Some pods are on nodes that are not known (yet): look again. */
  readonly hasUnknownNodes: boolean;
}

/** The endpoints of a Service, grouped by what slices can hold together. */
export function podEndpoints(
  service: DeepReadonly<Service>,
  pods: readonly DeepReadonly<Pod>[],
  nodeOf: (name: string) => DeepReadonly<Node> | undefined,
): PodEndpoints {
  const groups = new Map<string, { ports: DiscoveryEndpointPort[]; endpoints: Map<AddressType, Endpoint[]> }>();
  let hasUnknownNodes = false;
  for (const pod of pods) {
    if (!hasEndpoint(pod)) continue;
    const node = nodeOf(pod.spec?.nodeName ?? '');
    if (node === undefined && service.spec?.publishNotReadyAddresses !== true) {
      hasUnknownNodes = true;
      continue;
    }
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports, endpoints: new Map() }));
    for (const addressType of addressTypes(service)) {
      const addresses = podIps(pod).flatMap((ip) => (ipFamily(ip) === addressType ? [canonicalIp(ip) ?? ip] : []));
      if (addresses.length === 0) continue;
      const endpoints = group.endpoints.get(addressType) ?? [];
      group.endpoints.set(addressType, endpoints);
      endpoints.push(endpointOf(service, pod, node, addresses));
    }
  }
  return {
    groups: [...groups.values()].flatMap(({ ports, endpoints }) =>
      [...endpoints].map(([addressType, list]) => ({ addressType, ports, endpoints: list })),
    ),
    hasUnknownNodes,
  };
}

/** The families of a Service; the API fills them in. */
export function addressTypes({ spec }: DeepReadonly<Service>): AddressType[] {
  const families = (spec?.ipFamilies ?? []).filter((family) => family === 'IPv4' || family === 'IPv6');
  if (families.length > 0) return families;
  return [ipFamily(spec?.clusterIP ?? '') === 'IPv6' ? 'IPv6' : 'IPv4'];
}

function portsOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): DiscoveryEndpointPort[] {
  if (isHeadless(service) && (service.spec?.ports ?? []).length === 0) return [];
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    if (port === undefined) return [];
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** KEP-1672: a terminating pod is never ready, but may still serve. */
function endpointOf(
  service: DeepReadonly<Service>,
  pod: DeepReadonly<Pod>,
  node: DeepReadonly<Node> | undefined,
  addresses: string[],
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata?.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { namespace, name, uid } = pod.metadata ?? {};
  const { nodeName } = pod.spec ?? {};
  const zone = node?.metadata?.labels?.[labels.zone];
  const hostname = endpointHostname(pod, service);
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone === undefined || zone === '' ? {} : { zone }),
    ...(ready ? hintsFor(service.spec?.trafficDistribution, zone, nodeName) : {}),
  };
}

/** KEP-4444, KEP-3015: proxies prefer the endpoints whose hints name their own zone or node. */
function hintsFor(
  distribution: string | undefined,
  zone: string | undefined,
  nodeName: string | undefined,
): Pick<Endpoint, 'hints'> {
  const isByNode = distribution === 'PreferSameNode';
  const isByZone = isByNode || distribution === 'PreferSameZone' || distribution === 'PreferClose';
  const forZones = isByZone && zone !== undefined ? { forZones: [{ name: zone }] } : {};
  const forNodes = isByNode && nodeName !== undefined ? { forNodes: [{ name: nodeName }] } : {};
  const hints = { ...forNodes, ...forZones };
  return Object.keys(hints).length === 0 ? {} : { hints };
}
