import { type Node, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  type EventRecorder,
  InjectConfig,
  InjectDependencies,
  type Lister,
  Reconciler,
  type Watches,
} from '#controller';
import { type DeepReadonly, hasReason } from '#machinery';
import { NodeCidrAllocator } from '#network';
import { type NodeControllerConfig } from '../config';

const DEFAULT_MASK_SIZE = 24;

/**
 * Gives each node its part of the cluster's pod addresses, in `spec.podCIDR`. One worker: two nodes never get the same block. What was
 * given is remembered until the cache shows it, and what nodes have is claimed before anything is given.
 */
@Reconciler({ name: 'node_ipam', workers: 1 })
export class NodeIpamReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly recorder: EventRecorder;
  private readonly createAllocator: () => NodeCidrAllocator;
  private allocator: NodeCidrAllocator;
  private readonly blocks = new Map<string, string>();
  private hasClaimed = false;
  private nodes!: Lister<Node>;

  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() config: NodeControllerConfig,
  ) {
    this.client = config.clientAs('node-controller');
    this.recorder = dependencies.recorder('cidrAllocator');
    this.createAllocator = () =>
      new NodeCidrAllocator(config.clusterCidr, config.nodeCidrMaskSize ?? DEFAULT_MASK_SIZE);
    this.allocator = this.createAllocator();
  }

  watch(watches: Watches): void {
    this.nodes = watches.primary(resources.nodes, (node, old) => node.spec?.podCIDR !== old.spec?.podCIDR).lister;
  }

  /** Blocks that were chosen but never written in an earlier term may be others' now. */
  lead(): void {
    this.allocator = this.createAllocator();
    this.blocks.clear();
    this.hasClaimed = false;
  }

  async reconcile(name: string): Promise<void> {
    this.claimExisting();
    const node = this.nodes.get('', name);
    if (node === undefined) return this.release(name);
    if (node.spec?.podCIDR) return this.claim(name, node.spec.podCIDR);
    const block = this.blocks.get(name) ?? this.allocator.allocate();
    if (block === undefined) {
      this.recorder.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      throw new Error(`no pod CIDR is left for node ${name}`);
    }
    this.blocks.set(name, block);
    await this.assign(node, name, block);
  }

  private claimExisting(): void {
    if (this.hasClaimed) return;
    this.hasClaimed = true;
    for (const node of this.nodes.list()) {
      if (node.spec?.podCIDR) this.claim(node.metadata?.name ?? '', node.spec.podCIDR);
    }
  }

  private claim(name: string, block: string): void {
    if (this.blocks.get(name) === block) return;
    this.release(name);
    this.allocator.claim(block);
    this.blocks.set(name, block);
  }

  private release(name: string): void {
    const block = this.blocks.get(name);
    if (block === undefined) return;
    this.allocator.release(block);
    this.blocks.delete(name);
  }

  private async assign(node: DeepReadonly<Node>, name: string, block: string): Promise<void> {
    const patch = { metadata: { uid: node.metadata?.uid }, spec: { podCIDR: block, podCIDRs: [block] } };
    try {
      await this.client.patch(resources.nodes, { namespace: '', name }, 'strategic', patch);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}
