import { type Node, type Taint } from '#api';
import { type DeepReadonly } from '#machinery';
import { type HostPort } from './host-ports';
import { type PodInfo } from './pod-info';
import { addResources, emptyResources, parseResources, type Resources } from './resources';

/** A node with everything that runs, or is about to run, on it. */
export class NodeInfo {
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Resources = emptyResources();
  readonly nonZeroRequested = { cpu: 0, memory: 0 };
  allocatable: Resources = emptyResources();
  allocatablePods = 0;
  taints: readonly DeepReadonly<Taint>[] = [];
  /** Bytes by image name. */
  images: ReadonlyMap<string, number> = new Map();
  affinityPods = 0;
  requiredAntiAffinityPods = 0;

  constructor(
    readonly name: string,
    /** Undefined: pods are known to be there, the node itself is not (yet). */
    public node?: DeepReadonly<Node>,
  ) {
    if (node !== undefined) this.setNode(node);
  }

  setNode(node: DeepReadonly<Node>): void {
    this.node = node;
    this.allocatable = parseResources(node.status?.allocatable);
    this.allocatablePods = Number(node.status?.allocatable?.['pods'] ?? 0);
    this.taints = node.spec?.taints ?? [];
    this.images = new Map(
      (node.status?.images ?? []).flatMap((image) =>
        (image.names ?? []).map((name) => [name, image.sizeBytes ?? 0] as const),
      ),
    );
  }

  get labels(): Readonly<Record<string, string>> {
    return this.node?.metadata?.labels ?? {};
  }

  add(pod: PodInfo): void {
    this.remove(pod.uid);
    this.pods.set(pod.uid, pod);
    this.count(pod, 1);
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    this.count(pod, -1);
  }

  *usedPorts(): Iterable<HostPort> {
    for (const pod of this.pods.values()) yield* pod.hostPorts;
  }

  private count(pod: PodInfo, sign: 1 | -1): void {
    addResources(this.requested, pod.requests.actual, sign);
    this.nonZeroRequested.cpu += sign * pod.requests.nonZero.cpu;
    this.nonZeroRequested.memory += sign * pod.requests.nonZero.memory;
    if (pod.requiredAntiAffinity.length > 0) this.requiredAntiAffinityPods += sign;
    const terms = pod.requiredAffinity.length + pod.preferredAffinity.length + pod.preferredAntiAffinity.length;
    if (terms + pod.requiredAntiAffinity.length > 0) this.affinityPods += sign;
  }
}
