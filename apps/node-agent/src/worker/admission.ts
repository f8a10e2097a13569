import { addQuantities, milliValue, parseQuantity, type Quantity, wholeValue, zeroQuantity } from '#machinery';
import { hostPortsConflict, hostPortsOf } from '../containers/host-ports';
import { type Allocatable } from '../containers/downward';
import { type PodObject } from '../pods/pod-containers';
import { type Verdict } from '../pods/pod-status';

type Counted = 'cpu' | 'memory';

/** What a pod may use, of what the scheduler counts: the sum of its containers, or its largest init container. */
export function requestsOf({ spec }: PodObject): Readonly<Record<Counted, Quantity>> {
  const request = (
    container: { resources?: { requests?: Readonly<Record<string, string>> } },
    name: Counted,
  ): Quantity => {
    const quantity = container.resources?.requests?.[name];
    return quantity === undefined ? zeroQuantity : parseQuantity(quantity);
  };
  const total = (name: Counted): Quantity => {
    const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
    const inits = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== 'Always');
    const sum = [...(spec?.containers ?? []), ...sidecars]
      .map((container) => request(container, name))
      .reduce(addQuantities, zeroQuantity);
    const largest = inits
      .map((container) => request(container, name))
      .reduce((a, b) => (a.nanos > b.nanos ? a : b), sum);
    const overhead = spec?.overhead?.[name];
    return overhead === undefined ? largest : addQuantities(largest, parseQuantity(overhead));
  };
  return { cpu: total('cpu'), memory: total('memory') };
}

export interface NodeRoom {
  readonly allocatable: Allocatable;
  readonly maxPods: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Pods that were admitted and have not ended. */
  readonly pods: readonly PodObject[];
}

/** The kubelet's own check of what the scheduler decided on older knowledge. Undefined: the pod may run. */
export function admitPod(pod: PodObject, room: NodeRoom): Verdict | undefined {
  const { pods, maxPods, allocatable, labels } = room;
  if (pods.length + 1 > maxPods) return outOf('pods', 1n, BigInt(pods.length), BigInt(maxPods));
  const wanted = requestsOf(pod);
  const used = pods.map(requestsOf);
  for (const name of ['cpu', 'memory'] as const) {
    if (wanted[name].nanos === 0n || allocatable[name] === undefined) continue;
    const sum = used.map((requests) => requests[name]).reduce(addQuantities, zeroQuantity);
    const capacity = parseQuantity(allocatable[name]);
    const unit = name === 'cpu' ? milliValue : wholeValue;
    if (sum.nanos + wanted[name].nanos > capacity.nanos)
      return outOf(name, unit(wanted[name]), unit(sum), unit(capacity));
  }
  const selector = Object.entries(pod.spec?.nodeSelector ?? {});
  if (selector.some(([key, value]) => labels[key] !== value)) {
    return rejected('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector");
  }
  const ports = hostPortsOf(pod);
  if (ports.length > 0 && pods.some((other) => hostPortsConflict(ports, hostPortsOf(other)))) {
    return rejected(
      'NodePorts',
      "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    );
  }
  return undefined;
}

function outOf(resource: string, requested: bigint, used: bigint, capacity: bigint): Verdict {
  const numbers = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return rejected(`OutOf${resource}`, `Node didn't have enough resource: ${resource}, ${numbers}`);
}

function rejected(reason: string, message: string): Verdict {
  return { reason, message: `Pod was rejected: ${message}` };
}
