import { describeKeyValueStore } from '../key-value-store.contract';
import { type KeyValueStore } from '../key-value-store';
import { StoreCluster } from './store-cluster.fixture';

const put = (store: KeyValueStore, key: string, value = ''): Promise<unknown> =>
  store.put({ key, value: Buffer.from(value) });

for (const role of ['leader', 'follower'] as const) {
  describeKeyValueStore(`a ${role} of three`, async () => {
    const cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    const member = role === 'leader' ? leader : (await cluster.followers())[0]!;
    return {
      store: member.store!,
      advance: (ms) => cluster.clock.advance(ms),
      dispose: () => cluster.close(),
    };
  });
}

describe('three stores', () => {
  it('hold the same', async () => {
    const cluster = await new StoreCluster(3).start();
    for (const [n, { store }] of cluster.members.entries()) await cluster.during(put(store!, `key ${n}`, String(n)));
    for (const { store } of cluster.members) {
      const { kvs, revision } = await cluster.during(store!.range({ key: 'key', rangeEnd: 'kez' }));
      expect([kvs.map(({ key }) => key), revision]).toEqual([['key 0', 'key 1', 'key 2'], 4]);
    }
    await cluster.close();
    expect(cluster.clock.pending).toBe(0);
  });
});
