import { readFileSync } from 'node:fs';
import { hostAddresses } from '#process';

/** The addresses of a cluster on one machine. */
export interface NetworkPlan {
  readonly clusterDomain: string;
  /** All pods; each node has a /24 of it. */
  readonly clusterCidr: string;
  /** Of the cluster's bridge: how pods reach this process. */
  readonly gateway: string;
  readonly serviceCidr: string;
  /** `default/kubernetes`: the first address of the service range. */
  readonly apiService: string;
  /** `kube-system/kube-dns`, where upstream's installers put it. */
  readonly dnsService: string;
  /** Inclusive. */
  readonly nodePortRange: readonly [number, number];
}

const POD_BASE = 244;
const SERVICE_BASE = 96;
const PLANS = 100;

/** The n-th plan: 0 has the addresses that upstream's installers use, further ones are for further clusters on the same machine. */
export function networkPlan(index: number): NetworkPlan {
  const pods = `10.${POD_BASE - index}`;
  const services = `10.${SERVICE_BASE - index}`;
  return {
    clusterDomain: 'cluster.local',
    clusterCidr: `${pods}.0.0/16`,
    gateway: `${pods}.0.1`,
    serviceCidr: `${services}.0.0/16`,
    apiService: `${services}.0.1`,
    dnsService: `${services}.0.10`,
    nodePortRange: [30_000, 32_767],
  };
}

/** The first plan whose pod addresses no interface of this machine has: neither another cluster's bridge nor the network outside. */
export function freePlanIndex(addresses: readonly string[] = [...hostAddresses(), ...routedNetworks()]): number {
  const taken = new Set(addresses.map((address) => address.split('.').slice(0, 2).join('.')));
  for (let index = 0; index < PLANS && index < SERVICE_BASE; index++) {
    if (!taken.has(`10.${POD_BASE - index}`) && !taken.has(`10.${SERVICE_BASE - index}`)) return index;
  }
  throw new Error('every address range that a cluster could use is taken on this machine');
}

/** Networks that this machine has routes to: also by bridges of clusters without a pod, whose addresses Node leaves out (they have no carrier). */
function routedNetworks(): string[] {
  let table: string;
  try {
    table = readFileSync('/proc/net/route', 'utf8');
  } catch (error) {
    // Not Linux.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // The second column is the network, in hexadecimal, its last byte first.
  return [...table.matchAll(/^\S+\t([0-9A-F]{8})\t/gm)].map(([, hex = '']) =>
    [...Buffer.from(hex, 'hex')].reverse().join('.'),
  );
}
