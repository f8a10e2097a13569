import { type DiscoveryEndpointPort, type Endpoint, type EndpointSlice } from '#api';
import { deepEqualSemantic } from '#controller';
import { type DeepReadonly } from '#machinery';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that can share slices: same kind of address, same ports. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly DeepReadonly<DiscoveryEndpointPort>[];
  readonly endpoints: readonly DeepReadonly<Endpoint>[];
}

export interface SliceContent {
  readonly addressType: AddressType;
  readonly ports: readonly DeepReadonly<DiscoveryEndpointPort>[];
  readonly endpoints: readonly DeepReadonly<Endpoint>[];
}

export interface SlicePlan {
  readonly create: readonly SliceContent[];
  readonly update: readonly { readonly slice: DeepReadonly<EndpointSlice>; readonly content: SliceContent }[];
  readonly remove: readonly DeepReadonly<EndpointSlice>[];
}

export interface SlicePlanInput {
  /** The slices there are, all of one manager and owner. */
  readonly existing: readonly DeepReadonly<EndpointSlice>[];
  readonly groups: readonly EndpointGroup[];
  /** Address types of which there has to be a slice, if only an empty one. */
  readonly placeholders: readonly AddressType[];
  /** Endpoints that a slice may hold. */
  readonly limit: number;
  /** A slice with the right endpoints that has to be written anyway (labels). */
  isOutdated(slice: DeepReadonly<EndpointSlice>): boolean;
}

interface Draft {
  /** Undefined: to be created. */
  readonly slice?: DeepReadonly<EndpointSlice>;
  readonly endpoints: DeepReadonly<Endpoint>[];
  isChanged: boolean;
}

/**
 * What to write so that the slices show the endpoints. Every node hears of every slice that is written, so upstream's order
 * of preference counts (KEP-752): leave endpoints where they are; fill slices that have to be written anyway; then one
 * that takes the whole rest; only then new ones. Slices are not repacked when they run empty.
 */
export function planSlices(input: SlicePlanInput): SlicePlan {
  const existing = new Map<string, DeepReadonly<EndpointSlice>[]>();
  for (const slice of input.existing) push(existing, groupKey(slice.addressType, slice.ports ?? []), slice);

  const create: SliceContent[] = [];
  const update: { slice: DeepReadonly<EndpointSlice>; content: SliceContent }[] = [];
  const remove: DeepReadonly<EndpointSlice>[] = [];
  for (const group of input.groups) {
    const key = groupKey(group.addressType, group.ports);
    for (const draft of planGroup(group, existing.get(key) ?? [], input)) {
      const content = { addressType: group.addressType, ports: group.ports, endpoints: draft.endpoints };
      if (draft.slice === undefined) create.push(content);
      else if (draft.endpoints.length === 0) remove.push(draft.slice);
      else if (draft.isChanged || input.isOutdated(draft.slice)) update.push({ slice: draft.slice, content });
    }
    existing.delete(key);
  }
  for (const slices of existing.values()) remove.push(...slices);
  return recycle(keepPlaceholders(input, { create, update, remove }));
}

function planGroup(
  group: EndpointGroup,
  slices: readonly DeepReadonly<EndpointSlice>[],
  input: SlicePlanInput,
): Draft[] {
  const { limit } = input;
  const rest = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const drafts = slices.map((slice): Draft => {
    const draft: Draft = { slice, endpoints: [], isChanged: false };
    for (const endpoint of slice.endpoints ?? []) {
      const key = endpointKey(endpoint);
      const wanted = rest.get(key);
      // What is over the limit (it was higher once) moves to another slice.
      if (wanted === undefined || draft.endpoints.length >= limit) {
        draft.isChanged = true;
        continue;
      }
      rest.delete(key);
      draft.endpoints.push(wanted);
      if (!deepEqualSemantic(wanted, endpoint)) draft.isChanged = true;
    }
    return draft;
  });
  const left = [...rest.values()];
  const fill = (draft: Draft): void => {
    if (left.length === 0 || draft.endpoints.length >= limit) return;
    draft.endpoints.push(...left.splice(0, limit - draft.endpoints.length));
    draft.isChanged = true;
  };
  drafts
    .filter(({ slice, endpoints, isChanged }) => endpoints.length > 0 && (isChanged || input.isOutdated(slice!)))
    .sort((a, b) => b.endpoints.length - a.endpoints.length)
    .forEach(fill);
  while (left.length > 0) {
    const [fullest] = drafts
      .filter(({ endpoints }) => endpoints.length > 0 && endpoints.length + left.length <= limit)
      .sort((a, b) => b.endpoints.length - a.endpoints.length);
    const draft = fullest ?? { endpoints: [], isChanged: true };
    if (fullest === undefined) drafts.push(draft);
    fill(draft);
  }
  return drafts;
}

/** Where nothing would be left there is one empty slice, so that readers can tell "none" from "not known yet". */
function keepPlaceholders(input: SlicePlanInput, plan: SlicePlan): SlicePlan {
  const create = [...plan.create];
  const removed = new Set(plan.remove);
  const update = [...plan.update];
  for (const addressType of input.placeholders) {
    const own = input.existing.filter((slice) => slice.addressType === addressType);
    if (create.some((content) => content.addressType === addressType) || own.some((slice) => !removed.has(slice)))
      continue;
    const content: SliceContent = { addressType, ports: [], endpoints: [] };
    const [placeholder] = own.filter(
      ({ ports, endpoints }) => (ports ?? []).length === 0 && (endpoints ?? []).length === 0,
    );
    if (placeholder === undefined) {
      create.push(content);
    } else {
      removed.delete(placeholder);
      if (input.isOutdated(placeholder)) update.push({ slice: placeholder, content });
    }
  }
  return { create, update, remove: [...removed] };
}

/** Writing a slice anew is one event where deleting and creating are two. The address type cannot change. */
function recycle(plan: SlicePlan): SlicePlan {
  const create = [...plan.create];
  const update = [...plan.update];
  const remove = plan.remove.filter((slice) => {
    const index = create.findIndex(({ addressType }) => addressType === slice.addressType);
    if (index < 0) return true;
    update.push(...create.splice(index, 1).map((content) => ({ slice, content })));
    return false;
  });
  return { create, update, remove };
}

function groupKey(addressType: string, ports: readonly DeepReadonly<DiscoveryEndpointPort>[]): string {
  const texts = ports.map(({ name, protocol, port, appProtocol }) =>
    JSON.stringify([name ?? '', protocol ?? 'TCP', port ?? 0, appProtocol ?? '']),
  );
  return `${addressType} ${texts.sort().join()}`;
}

/** What makes an endpoint the same one; anything else about it may change. */
function endpointKey({ addresses, hostname, targetRef }: DeepReadonly<Endpoint>): string {
  return `${addresses.join()} ${hostname ?? ''} ${targetRef?.namespace ?? ''}/${targetRef?.name ?? ''}`;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
