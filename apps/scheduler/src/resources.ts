import { type Container, type Pod } from '#api';
import { type DeepReadonly, milliValue, parseQuantity, wholeValue } from '#machinery';

/** CPU in milli-units, everything else in whole units (bytes, counts). */
export interface Resources {
  cpu: number;
  memory: number;
  ephemeralStorage: number;
  /** Extended resources and huge pages, by name. Absent when there are none: most pods. */
  scalars?: Map<string, number>;
}

type ResourceList = DeepReadonly<Record<string, string>> | undefined;

export function emptyResources(): Resources {
  return { cpu: 0, memory: 0, ephemeralStorage: 0 };
}

/** Reads a resource list; malformed quantities cannot occur in validated objects and count as zero. */
export function parseResources(list: ResourceList): Resources {
  const resources = emptyResources();
  if (list === undefined) return resources;
  for (const [name, text] of Object.entries(list)) {
    if (name === 'cpu') resources.cpu = milli(text);
    else if (name === 'memory') resources.memory = whole(text);
    else if (name === 'ephemeral-storage') resources.ephemeralStorage = whole(text);
    else if (name !== 'pods') (resources.scalars ??= new Map()).set(name, whole(text));
  }
  return resources;
}

export function addResources(target: Resources, more: Resources, sign: 1 | -1 = 1): void {
  target.cpu += sign * more.cpu;
  target.memory += sign * more.memory;
  target.ephemeralStorage += sign * more.ephemeralStorage;
  if (more.scalars === undefined) return;
  target.scalars ??= new Map();
  for (const [name, amount] of more.scalars) target.scalars.set(name, (target.scalars.get(name) ?? 0) + sign * amount);
}

function maximum(target: Resources, other: Resources): void {
  target.cpu = Math.max(target.cpu, other.cpu);
  target.memory = Math.max(target.memory, other.memory);
  target.ephemeralStorage = Math.max(target.ephemeralStorage, other.ephemeralStorage);
  for (const [name, amount] of other.scalars ?? []) {
    target.scalars ??= new Map();
    target.scalars.set(name, Math.max(target.scalars.get(name) ?? 0, amount));
  }
}

/** What the default score plugins assume of a container without requests (upstream's GetNonzeroRequests). */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY = 200 * 1024 * 1024;

export interface PodRequests {
  readonly actual: Resources;
  /** For scoring: containers without requests count as small rather than as nothing. */
  readonly nonZero: { readonly cpu: number; readonly memory: number };
}

/**
 * What a pod needs of a node: the sum of its containers and sidecars, or, if larger, the largest step of its initialisation
 * (a plain init container runs beside the sidecars started before it, KEP-753), plus overhead; pod-level requests (KEP-2837) win.
 */
export function podRequests(pod: DeepReadonly<Pod>): PodRequests {
  const spec = pod.spec;
  const actual = sum(spec, parseRequests);
  const nonZero = sum(spec, (container) => withDefaults(parseRequests(container)));
  const podLevel = spec?.resources?.requests;
  if (podLevel !== undefined) {
    const resources = parseResources(podLevel);
    for (const target of [actual, nonZero]) {
      if (podLevel['cpu'] !== undefined) target.cpu = resources.cpu;
      if (podLevel['memory'] !== undefined) target.memory = resources.memory;
    }
  }
  const overhead = parseResources(spec?.overhead);
  addResources(actual, overhead);
  addResources(nonZero, overhead);
  return { actual, nonZero: { cpu: nonZero.cpu, memory: nonZero.memory } };
}

function sum(
  spec: DeepReadonly<Pod>['spec'],
  requestsOf: (container: DeepReadonly<Container>) => Resources,
): Resources {
  const running = emptyResources();
  for (const container of spec?.containers ?? []) addResources(running, requestsOf(container));
  const sidecars = emptyResources();
  const initial = emptyResources();
  for (const container of spec?.initContainers ?? []) {
    const needed = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      addResources(running, needed);
      addResources(sidecars, needed);
      maximum(initial, sidecars);
    } else {
      addResources(needed, sidecars);
      maximum(initial, needed);
    }
  }
  maximum(running, initial);
  return running;
}

function parseRequests(container: DeepReadonly<Container>): Resources {
  return parseResources(container.resources?.requests);
}

function withDefaults(resources: Resources): Resources {
  if (resources.cpu === 0) resources.cpu = DEFAULT_MILLI_CPU;
  if (resources.memory === 0) resources.memory = DEFAULT_MEMORY;
  return resources;
}

/** Beyond 2^53 precision is lost, as it would be in a node with nine petabytes of memory. */
function milli(text: string): number {
  return Number(milliValue(parseQuantity(text)));
}

function whole(text: string): number {
  return Number(wholeValue(parseQuantity(text)));
}
