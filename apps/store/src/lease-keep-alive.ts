import { once } from 'node:events';
import { type ServerDuplexStream } from '@grpc/grpc-js';
import { type etcdserverpb } from '#etcd';
import { type KeyValueStore, StoreError } from '#store';
import { type Member } from './member';

type Stream = ServerDuplexStream<etcdserverpb.LeaseKeepAliveRequest, etcdserverpb.LeaseKeepAliveResponse>;

/** Renews a lease for each message; a time to live of 0 says that there is no such lease. */
export async function serveKeepAlive(stream: Stream, store: KeyValueStore, member: Member): Promise<void> {
  for await (const message of stream) {
    const { ID } = message as etcdserverpb.LeaseKeepAliveRequest;
    const ttl = await store.leaseKeepAlive(ID).catch((error: unknown) => {
      if (error instanceof StoreError && error.code === 'lease-not-found') return 0;
      throw error;
    });
    // Who does not read the answers is not asked for more.
    if (!stream.write({ header: await member.currentHeader(), ID, TTL: BigInt(ttl) })) await once(stream, 'drain');
  }
}
