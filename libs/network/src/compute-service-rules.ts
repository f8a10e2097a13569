import { type Endpoint, type EndpointSlice, type Service, type ServicePort } from '#api';
import { type DeepReadonly } from '#machinery';
import { candidates, decideCluster, decideLocal, isPort, type CandidateOptions } from './endpoint-choice';
import { isIpv4, parseIpv4Block } from './ipv4';
import { type RuleSet, type ServicePortRule, type TransportProtocol } from './service-rules';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
/** Services that carry it belong to another proxy. */
const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';

const protocols: ReadonlyMap<string, TransportProtocol> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
]);

export interface ServiceRulesOptions {
  /** Names of the nodes whose pods are on this host. */
  readonly localNodes: ReadonlySet<string>;
  /** Endpoints that count as terminating although their slice does not say so yet. */
  readonly isWithdrawn?: (endpoint: DeepReadonly<Endpoint>) => boolean;
}

/**
 * The rules for all services that a proxy serves: those with an IPv4 cluster IP. Pure, and total: whatever an object says
 * (addresses that are none, ports twice, node ports of two services), the result is a valid rule set; where two rules claim
 * the same thing, the first by namespace and name has it.
 */
export function computeServiceRules(
  services: readonly DeepReadonly<Service>[],
  endpointSlices: readonly DeepReadonly<EndpointSlice>[],
  options: ServiceRulesOptions,
): RuleSet {
  const slicesOf = groupByService(endpointSlices);
  const claims = new Set<string>();
  const choice: CandidateOptions = {
    localNodes: options.localNodes,
    isWithdrawn: options.isWithdrawn ?? (() => false),
  };
  const rules: ServicePortRule[] = [];
  for (const [key, service] of sortedByKey(services)) {
    if (!isProxied(service)) continue;
    for (const port of service.spec?.ports ?? []) {
      const rule = ruleOf(key, service, port, slicesOf.get(key) ?? [], choice, claims);
      if (rule !== undefined) rules.push(rule);
    }
  }
  return { rules };
}

/** Whether a proxy has anything to do for the service: not headless, not a DNS alias, not somebody else's. */
function isProxied({ metadata, spec }: DeepReadonly<Service>): boolean {
  return (
    spec?.type !== 'ExternalName' && isIpv4(spec?.clusterIP ?? '') && metadata?.labels?.[PROXY_NAME_LABEL] === undefined
  );
}

function ruleOf(
  key: string,
  { spec = {}, status }: DeepReadonly<Service>,
  servicePort: DeepReadonly<ServicePort>,
  slices: readonly DeepReadonly<EndpointSlice>[],
  options: CandidateOptions,
  claims: Set<string>,
): ServicePortRule | undefined {
  const { name = '', port, nodePort, protocol: upperProtocol = 'TCP' } = servicePort;
  const protocol = protocols.get(upperProtocol);
  const clusterIp = spec.clusterIP ?? '';
  const claim = (what: string): boolean => {
    if (claims.has(what)) return false;
    claims.add(what);
    return true;
  };
  if (protocol === undefined || !isPort(port) || !claim(`${clusterIp} ${protocol} ${port}`)) return undefined;

  const balancer = (status?.loadBalancer?.ingress ?? [])
    .filter(({ ipMode }) => (ipMode ?? 'VIP') === 'VIP')
    .map(({ ip }) => ip ?? '');
  const externalIps = [...(spec.externalIPs ?? []), ...balancer].filter(
    (ip) => isIpv4(ip) && claim(`${ip} ${protocol} ${port}`),
  );
  const isExposed = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const sources = (spec.loadBalancerSourceRanges ?? []).filter((cidr) => parseIpv4Block(cidr.trim()) !== undefined);
  const all = candidates(slices, { name, protocol: upperProtocol }, options);
  const isExternalLocal = spec.externalTrafficPolicy === 'Local';
  const cluster = decideCluster(all);
  return {
    name: `${key}/${protocol}/${name}`,
    protocol,
    port,
    clusterIp,
    externalIps,
    ...(isExposed && isPort(nodePort) && claim(`node ${protocol} ${nodePort}`) ? { nodePort } : {}),
    ...(sources.length > 0
      ? {
          firewall: {
            addresses: externalIps.filter((ip) => balancer.includes(ip)),
            sources: sources.map((s) => s.trim()),
          },
        }
      : {}),
    ...(spec.sessionAffinity === 'ClientIP'
      ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800 }
      : {}),
    internal: spec.internalTrafficPolicy === 'Local' ? decideLocal(all) : cluster,
    external: isExternalLocal ? decideLocal(all) : cluster,
    cluster,
    keepsExternalSource: isExternalLocal,
  };
}

function groupByService(slices: readonly DeepReadonly<EndpointSlice>[]): Map<string, DeepReadonly<EndpointSlice>[]> {
  const groups = new Map<string, DeepReadonly<EndpointSlice>[]>();
  for (const slice of slices) {
    const service = slice.metadata?.labels?.[SERVICE_NAME_LABEL];
    if (service === undefined) continue;
    const key = `${slice.metadata?.namespace}/${service}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

function sortedByKey(services: readonly DeepReadonly<Service>[]): [string, DeepReadonly<Service>][] {
  return services
    .map((service): [string, DeepReadonly<Service>] => [
      `${service.metadata?.namespace}/${service.metadata?.name}`,
      service,
    ])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
