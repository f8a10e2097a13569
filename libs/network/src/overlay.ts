import { createHash } from 'node:crypto';
import { type Node } from '#api';
import { type DeepReadonly } from '#machinery';
import { blocksOverlap, formatIpv4Block, type Ipv4Block, isIpv4, nthAddress, parseIpv4Block } from './ipv4';

/**
 * How packets for pods of other hosts get there. `vxlan`: wrapped in UDP, wherever the hosts reach each other; `host-gw`: routed by way
 * of the host, which has to be a neighbour on the same network.
 */
export type OverlayBackend = 'vxlan' | 'host-gw';

export interface OverlayOptions {
  readonly backend: OverlayBackend;
  /** The same on every host; names the device and its network identifier. */
  readonly cluster: string;
  readonly clusterCidr: string;
  /** Nodes whose pods are on this host. */
  readonly localNodes: ReadonlySet<string>;
  /** This host's address, under which the other hosts reach it. */
  readonly localIp: string;
}

export interface OverlayDevice {
  readonly name: string;
  /** VXLAN network identifier, 24 bits. */
  readonly vni: number;
  readonly port: number;
  readonly localIp: string;
  readonly mac: string;
  /** What this host is called on the overlay: the first address of its first node's pods, which no pod gets. */
  readonly address: string;
}

export interface OverlayRoute {
  /** Pods of a node: `10.244.2.0/24`. */
  readonly destination: string;
  readonly gateway: string;
  /** Name of the overlay's device; absent: whatever leads to the gateway. */
  readonly device?: string;
}

/** What a host's kernel should know about the pods of the others. Lists are sorted, so that equal plans are equal. */
export interface OverlayPlan {
  readonly device?: OverlayDevice;
  readonly routes: readonly OverlayRoute[];
  /** Who has which address on the overlay: instead of ARP. */
  readonly neighbours: readonly { readonly ip: string; readonly mac: string }[];
  /** Which host has which MAC: instead of learning. */
  readonly forwarding: readonly { readonly mac: string; readonly ip: string }[];
}

/** The Linux kernel's port, flannel's too: one kernel socket serves all clusters of a host. */
const VXLAN_PORT = 8472;

/** A node with pods, as far as the overlay is concerned. */
interface Member {
  readonly name: string;
  readonly ip: string;
  readonly blocks: readonly Ipv4Block[];
}

/**
 * Computes the plan of one host from all Node objects (after flannel's vxlan and host-gw backends). Every host computes the same about every
 * other: MAC and overlay address follow from a host's first node by name. Nodes without an address, without pod addresses, or
 * with such as another node has are left out.
 */
export function computeOverlay(nodes: readonly DeepReadonly<Node>[], options: OverlayOptions): OverlayPlan {
  const members = membersOf(nodes, options.clusterCidr);
  const isLocal = ({ name, ip }: Member): boolean => options.localNodes.has(name) || ip === options.localIp;
  const remote = members.filter((member) => !isLocal(member));
  if (options.backend === 'host-gw') {
    return { ...nothing, routes: remote.flatMap(({ ip, blocks }) => routesTo(blocks, ip)) };
  }
  const [first] = members.filter(isLocal);
  if (first === undefined || remote.length === 0) return nothing;
  const device: OverlayDevice = {
    name: overlayDeviceName(options.cluster),
    vni: digest(options.cluster).readUIntBE(0, 3) & 0xffffff || 1,
    port: VXLAN_PORT,
    localIp: options.localIp,
    ...endpointOf(options.cluster, first),
  };
  /** By host: several nodes may share one. */
  const endpoints = new Map<string, { readonly address: string; readonly mac: string }>();
  for (const member of remote) {
    if (!endpoints.has(member.ip)) endpoints.set(member.ip, endpointOf(options.cluster, member));
  }
  return {
    device,
    routes: remote.flatMap(({ ip, blocks }) => routesTo(blocks, endpoints.get(ip)?.address ?? '', device.name)),
    neighbours: [...endpoints.values()].map(({ address: ip, mac }) => ({ ip, mac })),
    forwarding: [...endpoints].map(([ip, { mac }]) => ({ mac, ip })),
  };
}

/** At most 15 characters, as for every interface. */
export function overlayDeviceName(cluster: string): string {
  return `nsv${digest(cluster).toString('hex').slice(0, 10)}`;
}

const nothing: OverlayPlan = { routes: [], neighbours: [], forwarding: [] };

function membersOf(nodes: readonly DeepReadonly<Node>[], clusterCidr: string): Member[] {
  const cluster = parseIpv4Block(clusterCidr);
  const taken: Ipv4Block[] = [];
  const sorted = [...nodes].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  return sorted.flatMap(({ metadata, spec, status }): Member[] => {
    const { name } = metadata ?? {};
    const ip = status?.addresses?.find(({ type, address }) => type === 'InternalIP' && isIpv4(address))?.address;
    const cidrs = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
    const blocks = cidrs
      .flatMap((cidr) => parseIpv4Block(cidr) ?? [])
      .filter((block) => {
        const isInside = cluster !== undefined && block.prefix > cluster.prefix && blocksOverlap(block, cluster);
        return isInside && !taken.some((other) => blocksOverlap(block, other));
      });
    if (name === undefined || ip === undefined || blocks.length === 0) return [];
    taken.push(...blocks);
    return [{ name, ip, blocks }];
  });
}

function routesTo(blocks: readonly Ipv4Block[], gateway: string, device?: string): OverlayRoute[] {
  return blocks.map((block) => ({
    destination: formatIpv4Block(block),
    gateway,
    ...(device === undefined ? {} : { device }),
  }));
}

/** A locally administered address (its second bit says so) that every host can compute. */
function endpointOf(cluster: string, { blocks }: Member): { readonly address: string; readonly mac: string } {
  const cidr = blocks[0] === undefined ? '' : formatIpv4Block(blocks[0]);
  const bytes = [0x0e, ...digest(`${cluster} ${cidr}`).subarray(0, 5)];
  return { address: nthAddress(cidr, 0), mac: bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':') };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
