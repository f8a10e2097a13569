import { FakeClock } from '#testing';
import { oldDirectory } from './old-directory.fixture';
import { type DiskStore, openStore } from './open-store';
import { StoreCluster } from './replication/store-cluster.fixture';
import { type SimulatedFiles } from './simulated-files.fixture';

let opened = 0;

function open(files: SimulatedFiles): Promise<DiskStore> {
  const directory = `/old-${opened++}`;
  return openStore({ directory, clock: new FakeClock(), files: files.under(directory, '/store') });
}

const CONTENTS = [
  ['key 1', 'value 16', 19, 4],
  ['key 2', 'value 17', 20, 4],
  ['key 3', 'value 18', 21, 2],
  ['key 4', 'value 19', 22, 4],
  ['txn', '1', 23, 1],
];
const contents = async (store: DiskStore): Promise<unknown> =>
  (await store.range({ key: '\0', rangeEnd: '\0' })).kvs.map(({ key, value, modRevision, version }) => [
    key,
    Buffer.from(value).toString(),
    modRevision,
    version,
  ]);

describe.each(['closed', 'killed'] as const)('a directory from before Raft that was %s', (kind) => {
  it('opens as it was, and again', async () => {
    const files = oldDirectory(kind);
    for (let times = 0; times < 3; times++) {
      const store = await open(files);
      expect(await contents(store)).toEqual(CONTENTS.slice(0, 5));
      expect((await store.leaseStatus(42n)).grantedTtl).toBe(1000);
      await expect(store.range({ key: 'key 1', revision: 5 })).rejects.toMatchObject({ code: 'compacted' });
      const [self] = await store.cluster.memberList(true);
      expect(self!.id).toBe((await store.status()).memberId);
      if (times === 1) await store.snapshot();
      await store.close();
    }
  });

  it('becomes one member of a cluster, and others join it', async () => {
    const cluster = new StoreCluster(1);
    const [old] = cluster.members;
    old!.files = oldDirectory(kind);
    await cluster.start();
    const self = await old!.store!.cluster.memberList(true);
    await cluster.until(async () => (await old!.store!.cluster.memberList(true))[0]!.peerUrls[0] === old!.url);
    const joiner = cluster.add('joiner');
    const added = await cluster.during(old!.store!.cluster.memberAdd([joiner.url], false));
    const store = await cluster.during(cluster.open(joiner, 'existing'));
    await cluster.during(store.put({ key: 'new', value: Buffer.from('2') }));
    expect(await cluster.during(contents(store))).toEqual([...CONTENTS.slice(0, 4), ['new', '2', 24, 1], CONTENTS[4]]);
    await cluster.until(async () => (await store.cluster.memberList(false)).every(({ name }) => name !== ''));
    expect((await store.cluster.memberList(false)).map(({ id }) => id).sort()).toEqual([self[0]!.id, added.id].sort());
    await cluster.close();
    // And after a restart of both.
    await cluster.during(Promise.all(cluster.members.map((member) => cluster.open(member))));
    expect(await cluster.during(contents(joiner.store!))).toHaveLength(6);
    await cluster.close();
  });
});
