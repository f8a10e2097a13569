import { type CoreEndpointPort, type EndpointAddress, type EndpointSubset, type Pod, type Service } from '#api';
import { isPodReady } from '#controller';
import { type DeepReadonly } from '#machinery';
import { ipFamily } from '#network';
import { endpointHostname, hasEndpoint, isHeadless, podIps, targetPort } from '../service-pods';

/** Addresses that Endpoints hold at most; with more, readers are to use slices. */
export const capacity = 1000;

/** An address behind one port, or behind none (a headless Service without ports). */
interface Entry {
  readonly address: EndpointAddress;
  readonly isReady: boolean;
  readonly port?: CoreEndpointPort;
}

/** The subsets of a Service's pods: addresses that have the same ports are together, each set of ports once. */
export function subsetsOf(service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): EndpointSubset[] {
  return repack(pods.flatMap((pod) => entriesOf(service, pod)));
}

/**
 * Cuts down to the capacity, each subset in proportion, ready addresses before the others.
 * @returns whether anything was left out
 */
export function truncate(subsets: readonly EndpointSubset[]): { subsets: EndpointSubset[]; isTruncated: boolean } {
  const ready = sum(subsets, 'addresses');
  const notReady = sum(subsets, 'notReadyAddresses');
  if (ready + notReady <= capacity) return { subsets: [...subsets], isTruncated: false };
  const cutsReady = ready > capacity;
  const part = cutsReady ? 'addresses' : 'notReadyAddresses';
  const room = cutsReady ? capacity : capacity - ready;
  let left = room;
  const cut = subsets.map((subset) => {
    const list = subset[part] ?? [];
    const kept = list.slice(0, Math.min(left, Math.ceil((list.length / (cutsReady ? ready : notReady)) * room)));
    left -= kept.length;
    const { notReadyAddresses: _left, ...rest } = subset;
    return { ...(cutsReady ? rest : subset), [part]: kept };
  });
  return { subsets: cut, isTruncated: true };
}

function entriesOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): Entry[] {
  const publishesAll = service.spec?.publishNotReadyAddresses === true;
  // Endpoints cannot say that a pod is terminating: such a pod is left out.
  if (!hasEndpoint(pod) || (pod.metadata?.deletionTimestamp !== undefined && !publishesAll)) return [];
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4';
  const ip = podIps(pod).find((candidate) => ipFamily(candidate) === family);
  if (ip === undefined) return [];
  const { namespace, name, uid } = pod.metadata ?? {};
  const hostname = endpointHostname(pod, service);
  const address: EndpointAddress = {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
  const isReady = publishesAll || isPodReady(pod);
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0) return isHeadless(service) ? [{ address, isReady }] : [];
  return ports.flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    if (port === undefined) return [];
    const { name: portName, protocol = 'TCP', appProtocol } = servicePort;
    return [
      {
        address,
        isReady,
        port: {
          ...(portName === undefined || portName === '' ? {} : { name: portName }),
          port,
          protocol,
          ...(appProtocol === undefined ? {} : { appProtocol }),
        },
      },
    ];
  });
}

function repack(entries: readonly Entry[]): EndpointSubset[] {
  // Port by port the addresses behind it, then ports with the same addresses together.
  const byPort = new Map<string, { port?: CoreEndpointPort; entries: Map<string, Entry> }>();
  for (const entry of entries) {
    const key = JSON.stringify(entry.port ?? null);
    let found = byPort.get(key);
    if (found === undefined) byPort.set(key, (found = { port: entry.port, entries: new Map() }));
    found.entries.set(`${entry.address.ip} ${entry.address.targetRef?.uid ?? ''}`, entry);
  }
  const byAddresses = new Map<string, { ports: CoreEndpointPort[]; entries: Entry[] }>();
  for (const { port, entries: behind } of byPort.values()) {
    const keys = [...behind.keys()].sort();
    const key = keys.map((address) => `${address} ${behind.get(address)?.isReady}`).join();
    let found = byAddresses.get(key);
    if (found === undefined)
      byAddresses.set(key, (found = { ports: [], entries: keys.map((address) => behind.get(address)!) }));
    if (port !== undefined) found.ports.push(port);
  }
  return [...byAddresses.values()]
    .map(({ ports, entries: behind }) => subset(ports, behind))
    .sort((a, b) => (JSON.stringify(a.ports) < JSON.stringify(b.ports) ? -1 : 1));
}

function subset(ports: CoreEndpointPort[], entries: readonly Entry[]): EndpointSubset {
  const addresses = entries.filter(({ isReady }) => isReady).map(({ address }) => address);
  const notReadyAddresses = entries.filter(({ isReady }) => !isReady).map(({ address }) => address);
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0 ? {} : { ports: ports.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) }),
  };
}

function sum(subsets: readonly EndpointSubset[], part: 'addresses' | 'notReadyAddresses'): number {
  return subsets.reduce((total, subset) => total + (subset[part]?.length ?? 0), 0);
}
