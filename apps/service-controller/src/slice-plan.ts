import { type DiscoveryEndpointPort, type Endpoint, type EndpointSlice } from '#api';
import { deepEqualSemantic } from '#controller';
import { type DeepReadonly } from '#machinery';

/** Endpoints that have the same ports: they may share slices. */
export interface EndpointGroup {
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly DeepReadonly<Endpoint>[];
}

/** What is in a slice, apart from its metadata. */
export interface SliceContent {
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly DeepReadonly<Endpoint>[];
}

export interface SlicePlan {
  readonly create: readonly SliceContent[];
  readonly update: readonly { readonly slice: DeepReadonly<EndpointSlice>; readonly content: SliceContent }[];
  readonly remove: readonly DeepReadonly<EndpointSlice>[];
  /** Slices whose content is right already. */
  readonly keep: readonly DeepReadonly<EndpointSlice>[];
}

/**
 * Distributes endpoints over slices with as few writes as possible, every change being sent to every node: endpoints stay
 * where they are; new ones go to slices that change anyway, then to one with room, then to new slices. Slices are not
 * balanced afterwards (KEP-752). A slice without endpoints is taken for new content before it is removed.
 */
export function planSlices(
  existing: readonly DeepReadonly<EndpointSlice>[],
  groups: readonly EndpointGroup[],
  maxEndpoints: number,
): SlicePlan {
  const byPorts = new Map<string, { slices: DeepReadonly<EndpointSlice>[]; group?: EndpointGroup }>();
  const entry = (
    ports: readonly DiscoveryEndpointPort[],
  ): { slices: DeepReadonly<EndpointSlice>[]; group?: EndpointGroup } => {
    const key = portsKey(ports);
    const known = byPorts.get(key) ?? { slices: [] };
    byPorts.set(key, known);
    return known;
  };
  for (const slice of existing) entry(slice.ports ?? []).slices.push(slice);
  for (const group of groups) entry(group.ports).group = group;

  const create: SliceContent[] = [];
  const update: { slice: DeepReadonly<EndpointSlice>; content: SliceContent }[] = [];
  const keep: DeepReadonly<EndpointSlice>[] = [];
  const emptied: DeepReadonly<EndpointSlice>[] = [];
  for (const { slices, group } of byPorts.values()) {
    if (group === undefined) {
      emptied.push(...slices);
      continue;
    }
    const part = planGroup(slices, group, maxEndpoints);
    create.push(...part.create);
    update.push(...part.update);
    keep.push(...part.keep);
    emptied.push(...part.remove);
  }
  // Reusing a slice is one write instead of two, and never shows a moment without endpoints.
  while (create.length > 0 && emptied.length > 0) {
    update.push({ slice: emptied.pop() as DeepReadonly<EndpointSlice>, content: create.pop() as SliceContent });
  }
  return { create, update, remove: emptied, keep };
}

function planGroup(slices: readonly DeepReadonly<EndpointSlice>[], group: EndpointGroup, max: number): SlicePlan {
  const missing = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const changed: { slice: DeepReadonly<EndpointSlice>; endpoints: DeepReadonly<Endpoint>[] }[] = [];
  const same: DeepReadonly<EndpointSlice>[] = [];
  const remove: DeepReadonly<EndpointSlice>[] = [];
  for (const slice of slices) {
    const kept: DeepReadonly<Endpoint>[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const key = endpointKey(endpoint);
      const wanted = missing.get(key);
      if (wanted === undefined) continue;
      missing.delete(key);
      kept.push(wanted);
    }
    if (kept.length === 0) remove.push(slice);
    else if (areEqual(kept, slice.endpoints ?? []) && kept.length <= max) same.push(slice);
    else {
      for (const extra of kept.splice(max)) missing.set(endpointKey(extra), extra);
      changed.push({ slice, endpoints: kept });
    }
  }

  const rest = [...missing.values()];
  // The fullest first, so that some slice may become free one day.
  for (const one of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    one.endpoints.push(...rest.splice(0, Math.max(0, max - one.endpoints.length)));
  }
  const create: SliceContent[] = [];
  while (rest.length > 0) {
    const room = rest.length < max ? closestFit(same, rest.length, max) : undefined;
    if (room === undefined) {
      create.push({ ports: group.ports, endpoints: rest.splice(0, max) });
    } else {
      same.splice(same.indexOf(room), 1);
      changed.push({ slice: room, endpoints: [...(room.endpoints ?? []), ...rest.splice(0)] });
    }
  }
  const update = changed.map(({ slice, endpoints }) => ({ slice, content: { ports: group.ports, endpoints } }));
  return { create, update, remove, keep: same };
}

/** The slice that is fullest after taking `count` more. */
function closestFit(
  slices: readonly DeepReadonly<EndpointSlice>[],
  count: number,
  max: number,
): DeepReadonly<EndpointSlice> | undefined {
  return slices
    .filter(({ endpoints }) => (endpoints?.length ?? 0) + count <= max)
    .sort((a, b) => (b.endpoints?.length ?? 0) - (a.endpoints?.length ?? 0))[0];
}

/** Endpoints are the same if they stand for the same pod at the same address; conditions may differ. */
function endpointKey({ addresses, targetRef, nodeName, hostname, zone }: DeepReadonly<Endpoint>): string {
  return JSON.stringify([
    addresses,
    targetRef?.kind,
    targetRef?.namespace,
    targetRef?.name,
    targetRef?.uid,
    nodeName,
    hostname,
    zone,
  ]);
}

function portsKey(ports: readonly DeepReadonly<DiscoveryEndpointPort>[]): string {
  return ports
    .map(({ name, protocol, port, appProtocol }) => JSON.stringify([name ?? '', protocol ?? 'TCP', port, appProtocol]))
    .sort()
    .join();
}

function areEqual(a: readonly DeepReadonly<Endpoint>[], b: readonly DeepReadonly<Endpoint>[]): boolean {
  return a.length === b.length && a.every((endpoint, i) => deepEqualSemantic(endpoint, b[i]));
}
