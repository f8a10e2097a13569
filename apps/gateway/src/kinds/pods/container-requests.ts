import { type Container, type PodSpec } from '#api';
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '#machinery';

type Amounts = Map<string, Quantity>;

/**
 * What the containers of a pod need at once, by resource: all containers and sidecars together, or an init container with the
 * sidecars that were started before it, whichever is more (KEP-753).
 */
export function containerRequests(spec: PodSpec): ReadonlyMap<string, Quantity> {
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const init of spec.initContainers ?? []) {
    const own = requestsOf(init);
    if (init.restartPolicy === 'Always') {
      add(sidecars, own);
      raise(starting, sidecars);
    } else {
      add(own, sidecars);
      raise(starting, own);
    }
  }
  const running: Amounts = new Map();
  for (const container of spec.containers ?? []) add(running, requestsOf(container));
  add(running, sidecars);
  raise(running, starting);
  return running;
}

function requestsOf({ resources }: Container): Amounts {
  return new Map(Object.entries(resources?.requests ?? {}).map(([name, amount]) => [name, parseQuantity(amount)]));
}

function add(sum: Amounts, amounts: Amounts): void {
  for (const [name, amount] of amounts) {
    const present = sum.get(name);
    sum.set(name, present === undefined ? amount : addQuantities(present, amount));
  }
}

function raise(maximum: Amounts, amounts: Amounts): void {
  for (const [name, amount] of amounts) {
    const present = maximum.get(name);
    if (present === undefined || compareQuantities(amount, present) > 0) maximum.set(name, amount);
  }
}
