import { type CoreEndpointPort, type EndpointAddress, type EndpointSubset } from '#api';

/** One address with one port (none for headless services without ports). */
export interface AddressOnPort {
  readonly address: EndpointAddress;
  readonly isReady: boolean;
  readonly port?: CoreEndpointPort;
}

/** Upstream's limit for one object. */
export const MAX_ADDRESSES = 1000;

/**
 * The canonical form of subsets: ports with the same addresses, ready or not, share a subset; everything is sorted, so that
 * equal sets look equal.
 */
export function repackSubsets(all: readonly AddressOnPort[]): EndpointSubset[] {
  const byPort = new Map<string, { port?: CoreEndpointPort; addresses: Map<string, AddressOnPort> }>();
  for (const one of all) {
    const entry = getOrAdd(byPort, JSON.stringify(one.port ?? null), () => ({ port: one.port, addresses: new Map() }));
    const id = `${one.address.ip} ${one.address.targetRef?.uid ?? ''}`;
    // Ready wins where an address is given twice.
    if (!entry.addresses.has(id) || one.isReady) entry.addresses.set(id, one);
  }
  const subsets = new Map<string, { ports: CoreEndpointPort[]; addresses: AddressOnPort[] }>();
  for (const { port, addresses } of byPort.values()) {
    const id = [...addresses].map(([address, { isReady }]) => `${address} ${isReady}`).sort();
    const subset = getOrAdd(subsets, id.join(), () => ({ ports: [], addresses: [...addresses.values()] }));
    if (port !== undefined) subset.ports.push(port);
  }
  return [...subsets.values()].map(toSubset).sort((a, b) => compare(sortKey(a), sortKey(b)));
}

/** Leaves out what is over the limit, ready addresses last, from each subset in proportion. Tells whether it had to. */
export function truncateSubsets(subsets: readonly EndpointSubset[]): {
  subsets: EndpointSubset[];
  isTruncated: boolean;
} {
  const count = (list: readonly unknown[] | undefined): number => list?.length ?? 0;
  const ready = subsets.reduce((sum, { addresses }) => sum + count(addresses), 0);
  const notReady = subsets.reduce((sum, { notReadyAddresses }) => sum + count(notReadyAddresses), 0);
  if (ready + notReady <= MAX_ADDRESSES) return { subsets: [...subsets], isTruncated: false };
  const cutsReady = ready > MAX_ADDRESSES;
  const room = cutsReady ? MAX_ADDRESSES : MAX_ADDRESSES - ready;
  const total = cutsReady ? ready : notReady;
  let left = room;
  return {
    isTruncated: true,
    subsets: subsets.map((subset) => {
      const list = (cutsReady ? subset.addresses : subset.notReadyAddresses) ?? [];
      const share = list.slice(0, Math.min(left, Math.ceil((list.length / total) * room)));
      left -= share.length;
      if (cutsReady) return { ...withoutNotReady(subset), addresses: share };
      return share.length === 0 ? withoutNotReady(subset) : { ...subset, notReadyAddresses: share };
    }),
  };
}

function withoutNotReady({ notReadyAddresses: _, ...rest }: EndpointSubset): EndpointSubset {
  return rest;
}

function toSubset({ ports, addresses }: { ports: CoreEndpointPort[]; addresses: AddressOnPort[] }): EndpointSubset {
  const list = (isReady: boolean): EndpointAddress[] =>
    addresses
      .filter((one) => one.isReady === isReady)
      .map(({ address }) => address)
      .sort((a, b) => compare(a.ip, b.ip) || compare(a.targetRef?.uid, b.targetRef?.uid));
  const [ready, notReady] = [list(true), list(false)];
  return {
    ...(ready.length > 0 ? { addresses: ready } : {}),
    ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
    ...(ports.length > 0 ? { ports: ports.sort((a, b) => compare(portKey(a), portKey(b))) } : {}),
  };
}

function sortKey({ ports = [], addresses = [], notReadyAddresses = [] }: EndpointSubset): string {
  return [...ports.map(portKey), ...[...addresses, ...notReadyAddresses].map(({ ip }) => ip)].join();
}

function portKey({ name = '', protocol = 'TCP', port }: CoreEndpointPort): string {
  return `${name} ${protocol} ${String(port).padStart(5, '0')}`;
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function getOrAdd<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
