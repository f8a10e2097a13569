import { type Lease, resources } from '#api';
import { type ObjectClient } from '#client';
import { type Clock, type DeepReadonly, formatMicroTime, hasReason } from '#machinery';

const key = (name: string) => ({ namespace: 'kube-node-lease', name });

/** How long a node counts as alive after its last renewal. */
export const leaseDurationSeconds = 40;

/** The node's heartbeat (KEP-589): cheap to write, watched by the node controller. */
export class NodeLease {
  private lease: DeepReadonly<Lease> | undefined;

  constructor(
    private readonly client: ObjectClient,
    private readonly clock: Clock,
    private readonly nodeName: string,
  ) {}

  /** @param nodeUid owner of a lease that has to be made */
  async renew(nodeUid: string | undefined): Promise<void> {
    this.lease ??= await this.find();
    if (this.lease === undefined) {
      this.lease = await this.client.create(resources.leases, this.fresh(nodeUid));
      return;
    }
    const { metadata, spec } = this.lease;
    const renewed = {
      ...spec,
      holderIdentity: this.nodeName,
      leaseDurationSeconds,
      renewTime: formatMicroTime(this.clock.now()),
    };
    try {
      this.lease = await this.client.update(resources.leases, { ...this.lease, metadata, spec: renewed });
    } catch (error) {
      // Somebody else wrote it, or it is gone: look again next time.
      if (hasReason(error, 'Conflict', 'NotFound')) this.lease = undefined;
      throw error;
    }
  }

  private find(): Promise<DeepReadonly<Lease> | undefined> {
    return this.client.get(resources.leases, key(this.nodeName)).catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    });
  }

  private fresh(nodeUid: string | undefined): Lease {
    const owner = { apiVersion: 'v1', kind: 'Node', name: this.nodeName, uid: nodeUid ?? '' };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...key(this.nodeName), ...(nodeUid === undefined ? {} : { ownerReferences: [owner] }) },
      spec: { holderIdentity: this.nodeName, leaseDurationSeconds, renewTime: formatMicroTime(this.clock.now()) },
    };
  }
}
