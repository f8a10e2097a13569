import { once } from 'node:events';
import { type Duplex } from 'node:stream';
import { type etcdserverpb } from '#etcd';
import { StoreError } from '#store';
import { type Call } from './call';
import { type Member } from './member';
import { requestsOf } from './served-method';

/** Renews a lease for each message; a time to live of 0 says that there is no such lease. */
export async function serveKeepAlive(stream: Duplex, call: Call, member: Member): Promise<void> {
  for await (const { ID } of requestsOf<etcdserverpb.LeaseKeepAliveRequest>(stream)) {
    const ttl = await call
      .caller()
      .store.leaseKeepAlive(ID)
      .catch((error: unknown) => {
        if (error instanceof StoreError && error.code === 'lease-not-found') return 0;
        throw error;
      });
    // Who does not read the answers is not asked for more.
    if (!stream.write({ header: await member.currentHeader(), ID, TTL: BigInt(ttl) })) await once(stream, 'drain');
  }
}
