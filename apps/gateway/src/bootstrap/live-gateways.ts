import { type KeyValueStore, StoreError } from '#store';
import { prefixEnd } from '../storage/keys';

/** Where a gateway can be reached from pods. */
export interface GatewayAddress {
  /** IPv4. */
  readonly address: string;
  readonly port: number;
}

/** Upstream's, so that it can be found there with etcd's tools. */
const prefix = '/registry/masterleases/';
/** Upstream's `DefaultEndpointReconcilerTTL`: a gateway that was killed is an endpoint for that long. */
const ttlSeconds = 15;

/**
 * Which gateways live: each keeps a key with its address under a lease of the store (upstream's lease endpoint reconciler). Keys are
 * made of address and port, since several may be on one machine.
 */
export class LiveGateways {
  private lease: bigint | undefined;

  constructor(
    private readonly store: KeyValueStore,
    /** Undefined: pods cannot reach this gateway, so it is not among them. */
    private readonly own: GatewayAddress | undefined,
  ) {}

  /** Says for another `ttlSeconds` that this one lives. Rejects with `StoreError`. */
  async renew(): Promise<void> {
    if (this.own === undefined) return;
    if (this.lease !== undefined && (await this.keepAlive(this.lease))) return;
    const { id } = await this.store.leaseGrant(ttlSeconds);
    this.lease = id;
    const { address, port } = this.own;
    await this.store.put({ key: `${prefix}${address}:${port}`, value: Buffer.from(address), lease: id });
  }

  /** All that live, ordered by port, then address. */
  async list(): Promise<readonly GatewayAddress[]> {
    const { kvs } = await this.store.range({ key: prefix, rangeEnd: prefixEnd(prefix) });
    return kvs
      .map(({ key }) => {
        const [address = '', port = ''] = key.slice(prefix.length).split(':');
        return { address, port: Number(port) };
      })
      .sort((a, b) => a.port - b.port || (a.address < b.address ? -1 : 1));
  }

  /** This one is going. */
  async leave(): Promise<void> {
    const { lease } = this;
    this.lease = undefined;
    if (lease !== undefined) await this.store.leaseRevoke(lease);
  }

  /** False: the lease has run out. */
  private async keepAlive(lease: bigint): Promise<boolean> {
    try {
      return (await this.store.leaseKeepAlive(lease)) > 0;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'lease-not-found') return false;
      throw error;
    }
  }
}
