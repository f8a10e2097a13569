import { type Duplex } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { type EndpointSlice, type Pod, type Service, resources } from '#api';
import { ApiError, badRequest, type DeepReadonly, goQuote, serviceUnavailable } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type Reader } from '../registry/reader';
import { type ServedResource } from '../registry/served-resource';
import { type RequestInfo } from '../request/request-info';
import { type NodeConnection } from '../streams/node-connection';
import { type Backend, dial, secure, unreachable } from './backend';
import { parseProxyName, type ProxyName } from './proxy-name';

const serviceNameLabel = 'kubernetes.io/service-name';
/** Ranges of addresses that are the gateway's own, nobody's or everybody's: a proxy must not be led there. */
const forbiddenRanges = new Set(['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast']);

/** Says where requests to pods, Services and nodes go, by the rules of upstream's `ResourceLocation`. */
export class Backends {
  constructor(
    private readonly table: ResourceTable,
    private readonly reader: Reader,
    private readonly nodes: NodeConnection,
    private readonly random: () => number,
  ) {}

  /** @throws BadRequest, NotFound, ServiceUnavailable */
  async find(info: RequestInfo, resource: ServedResource): Promise<Backend> {
    const { plural, kind } = resource.definition;
    const name = parseProxyName(info.name);
    if (name === undefined) throw badRequest(`invalid ${kind.toLowerCase()} request ${goQuote(info.name)}`);
    switch (plural) {
      case 'pods':
        return this.pod(info.namespace, name);
      case 'services':
        return this.service(info.namespace, name);
      default:
        return this.node(name);
    }
  }

  private async pod(namespace: string, { name, scheme, port }: ProxyName): Promise<Backend> {
    const pod = (await this.reader.get(this.table.require(resources.pods), namespace, name, ''))
      .object as DeepReadonly<Pod>;
    const ports = (pod.spec?.containers ?? []).map((container) => container.ports?.[0]?.containerPort);
    const first = port === '' ? ports.find((number) => number !== undefined) : undefined;
    const ip = pod.status?.podIP ?? '';
    assertProxyable(ip);
    return this.toPod(pod, ip, scheme || 'http', first ?? portNumber(port, scheme));
  }

  private async service(namespace: string, { name, scheme, port }: ProxyName): Promise<Backend> {
    const service = (await this.reader.get(this.table.require(resources.services), namespace, name, ''))
      .object as DeepReadonly<Service>;
    const candidates = this.endpoints(namespace, name, portName(service, port));
    const chosen = candidates[Math.floor(this.random() * candidates.length)];
    if (chosen === undefined) throw serviceUnavailable(`no endpoints available for service ${goQuote(name)}`);
    assertProxyable(chosen.ip);
    const pods = this.table.require(resources.pods);
    const pod = chosen.pod === '' ? undefined : pods.cache.get(pods.key(namespace, chosen.pod))?.object;
    if (pod !== undefined) return this.toPod(pod, chosen.ip, scheme || 'http', chosen.port);
    return plainBackend(chosen.ip, chosen.port, scheme || 'http');
  }

  /** Ready addresses with the port of that name; `pod` is '' for what is none. */
  private endpoints(namespace: string, service: string, port: string): { ip: string; port: number; pod: string }[] {
    const slices = this.table.require(resources.endpointSlices);
    const found: { ip: string; port: number; pod: string }[] = [];
    for (const { object } of slices.cache.range(slices.keyPrefix(namespace))) {
      const slice = object as DeepReadonly<EndpointSlice>;
      if (slice.metadata?.labels?.[serviceNameLabel] !== service) continue;
      const number = slice.ports?.find((candidate) => (candidate.name ?? '') === port)?.port;
      if (number === undefined) continue;
      for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
        const [ip] = addresses;
        if (ip === undefined || conditions?.ready === false) continue;
        found.push({ ip, port: number, pod: targetRef?.kind === 'Pod' ? (targetRef.name ?? '') : '' });
      }
    }
    return found;
  }

  private node({ name, scheme, port }: ProxyName): Backend {
    const agent = this.nodes.agentOn(name);
    const authority = `${agent.host}:${port || agent.port}`;
    if (port === '' || Number(port) === agent.port) {
      return { scheme: 'https', authority, connect: (signal) => this.nodes.connect(agent, signal) };
    }
    assertProxyable(agent.host);
    return plainBackend(agent.host, portNumber(port, scheme), scheme || 'http');
  }

  /**
   * By way of the pod's node: the gateway itself may be where pods' addresses lead nowhere. Pods on the node's network are what they look
   * like, an address of the node.
   */
  private toPod(pod: DeepReadonly<Pod>, ip: string, scheme: Backend['scheme'], port: number): Backend {
    if (pod.spec?.hostNetwork === true) return plainBackend(ip, port, scheme);
    const open = async (): Promise<Duplex> => {
      const agent = this.nodes.agentOf(pod);
      try {
        return await this.nodes.tunnel(agent, pod, port);
      } catch (error) {
        throw error instanceof ApiError && error.code === 400 ? unreachable(error.message) : error;
      }
    };
    return backend(ip, port, scheme, open);
  }
}

function plainBackend(host: string, port: number, scheme: Backend['scheme']): Backend {
  return backend(host, port, scheme, (signal) => dial(host, port, signal));
}

function backend(host: string, port: number, scheme: Backend['scheme'], open: Backend['connect']): Backend {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (scheme === 'http') return { scheme, authority, connect: open };
  // As upstream: who proxies does not know whose certificate to expect.
  const connect: Backend['connect'] = async (signal) => secure(await open(signal), { rejectUnauthorized: false });
  return { scheme, authority, connect };
}

/** The name by which endpoints know a Service's port. @throws ServiceUnavailable */
function portName({ spec, metadata }: DeepReadonly<Service>, port: string): string {
  if (!/^\d+$/.test(port)) return port;
  const found = spec?.ports?.find((candidate) => candidate.port === Number(port));
  if (found !== undefined) return found.name ?? '';
  throw serviceUnavailable(`no service port ${Number(port)} found for service ${goQuote(metadata?.name ?? '')}`);
}

/** @throws ServiceUnavailable, as the attempt to connect would end */
function portNumber(port: string, scheme: ProxyName['scheme']): number {
  if (port === '') return scheme === 'https' ? 443 : 80;
  const number = Number(port);
  if (!/^\d+$/.test(port)) throw unreachable(`dial tcp: lookup tcp/${port}: unknown port`);
  if (number > 65_535) throw unreachable(`dial tcp: address ${port}: invalid port`);
  return number;
}

/** @throws BadRequest */
function assertProxyable(ip: string): void {
  if (!ipaddr.isValid(ip) || forbiddenRanges.has(ipaddr.parse(ip).range())) throw badRequest('address not allowed');
}
