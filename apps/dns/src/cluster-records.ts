import { type DiscoveryEndpointPort, type Endpoint, type Service, type ServicePort } from '#api';
import { type DeepReadonly } from '#machinery';
import { addressOfReverseName, canonicalIp, ipFamily } from '#network';
import { type ClusterView, SERVICE_NAME_LABEL } from './cluster-view';
import { types } from './wire/constants';
import { isEncodable, lowerCase } from './wire/names';
import { type DnsRecord } from './wire/records';

/** Of the DNS-based service discovery specification; what `dns-version` says. */
const SPECIFICATION = '1.1.0';
const DNS_VERSION_TTL = 28_800;

export interface RecordsOptions {
  /** `cluster.local` */
  readonly zone: string;
  readonly ttl: number;
  /** Addresses of the name server itself, for the zone's NS record. */
  readonly nameServerAddresses: readonly string[];
}

/** What the zone says about a name. `missing`: there is no such name. `outside`: it is none of the zone's. */
export type Lookup =
  | { readonly kind: 'found'; readonly answers: readonly DnsRecord[]; readonly additionals: readonly DnsRecord[] }
  | { readonly kind: 'alias'; readonly record: DnsRecord & { readonly type: 'CNAME' } }
  | { readonly kind: 'missing' }
  | { readonly kind: 'outside' };

const missing: Lookup = { kind: 'missing' };
const outside: Lookup = { kind: 'outside' };
/** The name exists, but not with this type. */
const empty: Lookup = { kind: 'found', answers: [], additionals: [] };

/**
 * The records of the cluster's zone and of reverse lookups, computed from the view at the moment of the question. Names and
 * answers are those of CoreDNS's kubernetes plugin with `pods insecure`, after the specification
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md).
 *
 * @param name in lower case
 */
export function lookup(view: ClusterView, options: RecordsOptions, name: string, type: number): Lookup {
  const { zone } = options;
  if (name === zone) return apex(options, type);
  if (name.endsWith(`.${zone}`)) return inZone(view, options, name, type, name.slice(0, -zone.length - 1).split('.'));
  return name.endsWith('.arpa') ? reverse(view, options, name, type) : outside;
}

/** The SOA record that goes with negative answers: clients may remember them for its TTL. */
export function startOfAuthority({ zone, ttl }: RecordsOptions, serial: number): DnsRecord {
  return {
    ...{ name: zone, ttl, type: 'SOA', primary: `ns.dns.${zone}`, mailbox: `hostmaster.${zone}` },
    ...{ serial, refresh: 7200, retry: 1800, expire: 86_400, minimum: ttl },
  };
}

function apex(options: RecordsOptions, type: number): Lookup {
  const { zone, ttl, nameServerAddresses } = options;
  if (type === types.SOA) return found([startOfAuthority(options, 1)]);
  if (type !== types.NS) return empty;
  const server = `ns.dns.${zone}`;
  return found([{ name: zone, ttl, type: 'NS', target: server }], addresses(server, ttl, nameServerAddresses));
}

function inZone(view: ClusterView, options: RecordsOptions, name: string, type: number, labels: string[]): Lookup {
  const { ttl } = options;
  if (labels.length === 1 && labels[0] === 'dns-version') {
    return type === types.TXT ? found([{ name, ttl: DNS_VERSION_TTL, type: 'TXT', text: SPECIFICATION }]) : empty;
  }
  if (labels.length === 2 && labels[0] === 'ns' && labels[1] === 'dns') {
    return isAddressType(type) ? found(ofType(type, addresses(name, ttl, options.nameServerAddresses))) : empty;
  }
  const branch = labels.pop();
  const namespace = labels.pop();
  if (branch !== 'svc' && branch !== 'pod') return missing;
  if (namespace === undefined) return empty;
  if (!view.hasNamespace(namespace)) return missing;
  const last = labels.pop();
  if (last === undefined) return empty;
  if (branch === 'pod') return labels.length === 0 ? podRecord(name, ttl, last, type) : missing;
  return serviceRecords(view, options, { name, type, namespace, service: last, left: labels });
}

/** `10-244-0-7.default.pod`, `fd00--7.default.pod`: the address that the name says, whether there is such a pod or not (`pods insecure`). */
function podRecord(name: string, ttl: number, label: string, type: number): Lookup {
  const isShort = label.includes('--') || label.split('-').length !== 4;
  const address = label.replaceAll('-', isShort ? ':' : '.');
  if (ipFamily(address) === undefined) return missing;
  return isAddressType(type) ? found(ofType(type, addresses(name, ttl, [address]))) : empty;
}

interface ServiceQuestion {
  readonly name: string;
  readonly type: number;
  readonly namespace: string;
  readonly service: string;
  /** Labels left of the service: nothing, an endpoint's host name, or `_port`, `_protocol`. */
  readonly left: readonly string[];
}

/** An address and port that a name leads to, and the name that stands for this address alone. */
interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

function serviceRecords(view: ClusterView, options: RecordsOptions, question: ServiceQuestion): Lookup {
  const { name, type, namespace, service: serviceName, left } = question;
  const service = view.service(namespace, serviceName);
  const [first, second] = left;
  const isPortQuestion = left.length === 2 && first?.startsWith('_') === true && second?.startsWith('_') === true;
  if (service === undefined || (left.length > 0 && !isPortQuestion && left.length !== 1)) return missing;

  const { ttl, zone } = options;
  if (service.spec?.type === 'ExternalName') {
    const target = (service.spec.externalName ?? '').replace(/\.$/, '');
    // An address is no name, and a port says nothing about another zone's records.
    if (left.length > 0 || ipFamily(target) !== undefined || !isEncodable(target)) return missing;
    return { kind: 'alias', record: { name, ttl, type: 'CNAME', target } };
  }

  const matches = (port: { readonly name?: string; readonly protocol?: string }): boolean =>
    !isPortQuestion || (first === `_${port.name ?? ''}` && second === `_${(port.protocol ?? 'TCP').toLowerCase()}`);
  const base = `${serviceName}.${namespace}.svc.${zone}`;
  const isByEndpoint = left.length === 1 || service.spec?.clusterIP === 'None';
  const targets = isByEndpoint
    ? endpointTargets(view, question, base, matches, left.length === 1 ? first : undefined)
    : clusterIpTargets(service, base, matches);
  if (targets.length === 0) return missing;
  if (isAddressType(type)) {
    const all = addresses(name, ttl, new Set(targets.map(({ address }) => address)));
    return found(ofType(type, all));
  }
  if (type !== types.SRV) return empty;

  const ported = targets.filter(({ port }) => port > 0);
  // A host with addresses of both families is one target.
  const hosts = new Map(ported.map((target) => [`${target.host} ${target.port}`, target]));
  const weight = Math.max(1, Math.floor(100 / hosts.size));
  const records = [...hosts.values()].map(({ host, port }): DnsRecord => ({
    name,
    ttl,
    type: 'SRV',
    priority: 0,
    weight,
    port,
    target: host,
  }));
  const glue = new Map(ported.map(({ host, address }) => [`${host} ${address}`, addresses(host, ttl, [address])]));
  return found(records, [...glue.values()].flat());
}

function clusterIpTargets(
  { spec }: DeepReadonly<Service>,
  host: string,
  matches: (port: DeepReadonly<ServicePort>) => boolean,
): Target[] {
  const all = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  const ports = (spec?.ports ?? []).filter(matches);
  return all
    .filter((address) => ipFamily(address) !== undefined)
    .flatMap((address) => ports.map(({ port }) => ({ host, address, port })));
}

function endpointTargets(
  view: ClusterView,
  { namespace, service }: ServiceQuestion,
  base: string,
  matches: (port: DeepReadonly<DiscoveryEndpointPort>) => boolean,
  hostname: string | undefined,
): Target[] {
  const found = new Map<string, Target>();
  for (const { addressType, endpoints, ports } of view.slices(namespace, service)) {
    if (addressType === 'FQDN') continue;
    for (const endpoint of endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined || ipFamily(address) === undefined || endpoint.conditions?.ready === false) continue;
      const label = endpointLabel(endpoint, address);
      if (hostname !== undefined && hostname !== label) continue;
      // A headless service may have no ports at all: then it has addresses only.
      const numbers = ports === undefined || ports.length === 0 ? [{ port: 0 }] : ports.filter(matches);
      for (const { port = 0 } of numbers) found.set(`${address} ${port}`, { host: `${label}.${base}`, address, port });
    }
  }
  return [...found.values()];
}

/** The pod's host name, if it asked for one, else its address with dashes; a label does not end with one. */
function endpointLabel(endpoint: DeepReadonly<Endpoint>, address: string): string {
  if (endpoint.hostname !== undefined && endpoint.hostname !== '') return lowerCase(endpoint.hostname);
  const label = lowerCase(address.replace(/[.:]/g, '-'));
  return label.endsWith('-') ? `${label}0` : label;
}

function reverse(view: ClusterView, { zone, ttl }: RecordsOptions, name: string, type: number): Lookup {
  const address = addressOfReverseName(name);
  if (address === undefined || type !== types.PTR) return outside;
  const [service] = view.servicesByClusterIp(address);
  const targets = new Set<string>();
  if (service !== undefined) targets.add(`${service.metadata?.name}.${service.metadata?.namespace}.svc.${zone}`);
  else {
    for (const { metadata, endpoints } of view.slicesByAddress(address)) {
      const owner = metadata?.labels?.[SERVICE_NAME_LABEL];
      if (owner === undefined) continue;
      for (const endpoint of endpoints ?? []) {
        if (canonicalIp(endpoint.addresses[0] ?? '') !== address || endpoint.conditions?.ready === false) continue;
        targets.add(`${endpointLabel(endpoint, address)}.${owner}.${metadata?.namespace}.svc.${zone}`);
      }
    }
  }
  // Not ours: the network around may have a name for it.
  if (targets.size === 0) return outside;
  return found([...targets].map((target) => ({ name, ttl, type: 'PTR', target })));
}

function addresses(name: string, ttl: number, all: Iterable<string>): DnsRecord[] {
  return [...all].map((address) => ({ name, ttl, type: ipFamily(address) === 'IPv6' ? 'AAAA' : 'A', address }));
}

function isAddressType(type: number): boolean {
  return type === types.A || type === types.AAAA;
}

function ofType(type: number, records: readonly DnsRecord[]): DnsRecord[] {
  return records.filter((record) => types[record.type] === type);
}

function found(answers: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): Lookup {
  return { kind: 'found', answers, additionals };
}
