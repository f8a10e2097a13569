import { type Node, type Pod } from '#api';
import { type DeepReadonly } from '#machinery';
import { type Snapshot } from './framework';
import { NodeInfo } from './node-info';
import { podInfo, type PodInfo } from './pod-info';

/**
 * What runs where, including pods whose binding is on its way (*assumed* pods): the next pod is scheduled before the
 * last binding is confirmed.
 */
export class ClusterCache {
  private readonly nodes = new Map<string, NodeInfo>();
  private readonly placements = new Map<string, { node: string; assumed: boolean }>();
  private cached?: Pick<Snapshot, 'nodes' | 'byName' | 'nodesWithAffinity' | 'nodesWithRequiredAntiAffinity'>;

  setNode(node: DeepReadonly<Node>): void {
    const name = node.metadata?.name ?? '';
    const known = this.nodes.get(name);
    if (known === undefined) this.nodes.set(name, new NodeInfo(name, node));
    else known.setNode(node);
    this.cached = undefined;
  }

  removeNode(name: string): void {
    const info = this.nodes.get(name);
    if (info === undefined) return;
    if (info.pods.size > 0) info.node = undefined;
    else this.nodes.delete(name);
    this.cached = undefined;
  }

  /** A pod that the API says is on a node. Confirms an assumption. */
  setPod(pod: DeepReadonly<Pod>): void {
    this.place(podInfo(pod), pod.spec?.nodeName ?? '', false);
  }

  assume(pod: PodInfo, node: string): void {
    this.place(pod, node, true);
  }

  /** The binding failed: the room is free again. Does nothing once the API has confirmed the pod. */
  forget(uid: string): void {
    if (this.placements.get(uid)?.assumed === true) this.removePod(uid);
  }

  removePod(uid: string): void {
    const placement = this.placements.get(uid);
    if (placement === undefined) return;
    this.placements.delete(uid);
    const info = this.nodes.get(placement.node);
    info?.remove(uid);
    if (info !== undefined && info.node === undefined && info.pods.size === 0) this.nodes.delete(placement.node);
    this.cached = undefined;
  }

  isPlaced(uid: string): boolean {
    return this.placements.has(uid);
  }

  /** Nodes are live objects: valid until the next change of the cache, hence for one synchronous scheduling cycle. */
  snapshot(others: Pick<Snapshot, 'namespaceLabels' | 'selectorsOf' | 'volumes'>): Snapshot {
    this.cached ??= this.listNodes();
    return { ...this.cached, ...others };
  }

  private listNodes(): NonNullable<typeof this.cached> {
    const nodes = [...this.nodes.values()].filter((info) => info.node !== undefined);
    return {
      nodes,
      byName: new Map(nodes.map((info) => [info.name, info])),
      nodesWithRequiredAntiAffinity: nodes.filter((info) => info.requiredAntiAffinityPods > 0),
      nodesWithAffinity: nodes.filter((info) => info.affinityPods > 0),
    };
  }

  private place(pod: PodInfo, node: string, assumed: boolean): void {
    const current = this.placements.get(pod.uid);
    if (current !== undefined && current.node !== node) this.removePod(pod.uid);
    let info = this.nodes.get(node);
    if (info === undefined) {
      info = new NodeInfo(node);
      this.nodes.set(node, info);
    }
    const before = [info.affinityPods, info.requiredAntiAffinityPods];
    info.add(pod);
    this.placements.set(pod.uid, { node, assumed });
    // Only the lists of nodes with affinity depend on pods: most placements leave the snapshot valid.
    if (before[0] !== info.affinityPods || before[1] !== info.requiredAntiAffinityPods) this.cached = undefined;
  }
}
