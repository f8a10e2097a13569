import { type KeyValueStore, type WatchBatch } from '../key-value-store';
import { StoreCluster } from './store-cluster.fixture';

const put = (store: KeyValueStore, key: string, value = ''): Promise<unknown> =>
  store.put({ key, value: Buffer.from(value) });
const keys = async (store: KeyValueStore, serializable = false): Promise<string[]> =>
  (await store.range({ key: 'key', rangeEnd: 'kez', serializable })).kvs.map(({ key }) => key);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

let cluster: StoreCluster;
afterEach(() => cluster.close());

/** What a watch hears: revisions, and why it ended. */
function listen(store: KeyValueStore, startRevision = 0): { revisions: number[]; ends: string[] } {
  const heard = { revisions: [] as number[], ends: [] as string[] };
  store.watch(
    { key: 'key', rangeEnd: 'kez', startRevision },
    {
      onBatch: ({ revision }: WatchBatch) => heard.revisions.push(revision),
      onEnd: (error) => heard.ends.push(error.message),
    },
  );
  return heard;
}

describe('when a leader fails', () => {
  it('another takes over, and nothing acknowledged is lost', async () => {
    cluster = await new StoreCluster(3).start();
    for (let round = 0; round < 4; round++) {
      const leader = await cluster.leader();
      await cluster.during(Promise.all(upTo(5).map((n) => put(leader.store!, `key ${round}/${n}`))));
      cluster.crash(leader);
      const next = await cluster.leader();
      expect(await cluster.during(keys(next.store!))).toHaveLength(5 * (round + 1));
      await cluster.during(cluster.open(leader));
      expect(await cluster.during(keys(leader.store!))).toHaveLength(5 * (round + 1));
    }
  });

  it('what went down with it is given up soon after another leads', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    cluster.crash(leader);
    // The follower does not know yet: this goes nowhere.
    const before = cluster.clock.monotonic();
    const write = put(follower!.store!, 'key lost');
    await expect(cluster.during(write)).rejects.toMatchObject({
      code: 'unavailable',
      // With the guess at the reason, unless a vote was split and the election took long.
      message: expect.stringMatching(/^etcdserver: request timed out/) as string,
    });
    // Two elections and a vote that was split at the most, not the time that a request may take.
    expect(cluster.clock.monotonic() - before).toBeLessThan(6_000);
    await cluster.during(put(follower!.store!, 'key'));
  });

  it('and stops in order, another leads without an election timeout', async () => {
    cluster = await new StoreCluster(3).start();
    for (let round = 0; round < 3; round++) {
      const leader = await cluster.leader();
      const [follower] = await cluster.followers();
      await cluster.during(put(leader.store!, `key ${round}`));
      const before = cluster.clock.monotonic();
      await cluster.stop(leader);
      await cluster.during(put(follower!.store!, `key ${round}, too`));
      expect(cluster.clock.monotonic() - before).toBeLessThan(1_000);
      await cluster.during(cluster.open(leader));
    }
    const { store } = await cluster.leader();
    expect(await cluster.during(keys(store!))).toHaveLength(6);
  });

  it('those that were cut off answer neither reads nor writes', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    await cluster.during(put(leader.store!, 'key 1'));
    const others = await cluster.followers();
    cluster.network.partition(others.map(({ url }) => url));
    const write = put(leader.store!, 'key lost');
    const read = keys(leader.store!);
    const outcomes = Promise.allSettled([write, read, leader.store!.leaseKeepAlive(1n)]);
    const next = await cluster.leader(others);
    await cluster.during(put(next.store!, 'key 2'));
    expect(await keys(leader.store!, true)).toEqual(['key 1']);
    const [written, seen, renewed] = await cluster.during(outcomes);
    expect(written).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect((written as PromiseRejectedResult).reason).toMatchObject({
      message: expect.stringContaining('etcdserver: request timed out'),
    });
    expect(seen).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(renewed).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    cluster.network.heal();
    await cluster.until(async () => (await keys(leader.store!, true)).includes('key 2'));
    expect(await cluster.during(keys(leader.store!))).toEqual(['key 1', 'key 2']);
  });

  it('all can stop at once, by power failure or in order, and go on', async () => {
    cluster = await new StoreCluster(3).start();
    await cluster.during(put(cluster.members[0]!.store!, 'key 1'));
    for (const member of cluster.members) cluster.crash(member);
    await cluster.during(Promise.all(cluster.members.map((member) => cluster.open(member))));
    await cluster.during(put(cluster.members[1]!.store!, 'key 2'));
    for (const member of cluster.members) await cluster.stop(member);
    await cluster.during(Promise.all(cluster.members.map((member) => cluster.open(member))));
    expect(await cluster.during(keys(cluster.members[2]!.store!))).toEqual(['key 1', 'key 2']);
    await cluster.close();
    expect(cluster.clock.pending).toBe(0);
  });
});

describe('a member that was away', () => {
  it('catches up from the log', async () => {
    cluster = await new StoreCluster(3).start();
    const [away] = await cluster.followers();
    await cluster.stop(away!);
    const leader = await cluster.leader();
    for (const n of upTo(30)) await cluster.during(put(leader.store!, `key ${n}`));
    await cluster.during(cluster.open(away!));
    expect(await cluster.during(keys(away!.store!))).toHaveLength(30);
    expect(cluster.network.snapshots).toBe(0);
  });

  it('gets a snapshot when it is far behind, under writes, and its watchers miss nothing', async () => {
    cluster = await new StoreCluster(3, Math.random, { catchUpBytes: 20_000 }).start();
    const [away, other] = await cluster.followers();
    const heard = listen(away!.store!);
    const late = listen(away!.store!, 4);
    await cluster.during(put(away!.store!, 'key first'));
    await cluster.until(() => heard.revisions.length === 1);
    cluster.network.partition(cluster.members.filter((member) => member !== away).map(({ url }) => url));
    const leader = await cluster.leader();
    const big = 'x'.repeat(2_000);
    for (const n of upTo(120)) await cluster.during(put(leader.store!, `key ${n % 40}`, big));
    await leader.store!.snapshot();
    await other!.store!.snapshot();
    cluster.network.heal();
    let written = 120;
    await cluster.until(async () => {
      for (const n of upTo(3)) await cluster.during(put(leader.store!, `key ${n}`, `small ${written++}`));
      return cluster.network.snapshots > 0 && (await keys(away!.store!, true)).length === 41;
    });
    expect(cluster.network.snapshots).toBe(1);
    await cluster.until(() => heard.revisions.at(-1) === written + 2);
    expect(heard).toEqual({ revisions: upTo(written + 1).map((n) => n + 2), ends: [] });
    expect(late).toEqual({ revisions: upTo(written - 1).map((n) => n + 4), ends: [] });
    const all = { key: 'key', rangeEnd: 'kez' };
    const [mine, theirs] = await cluster.during(Promise.all([away!.store!.range(all), leader.store!.range(all)]));
    expect(mine.kvs).toEqual(theirs.kvs);
    // What came is on its disk, and what it wrote since.
    await cluster.stop(away!);
    await cluster.open(away!);
    await cluster.during(put(away!.store!, 'key last'));
    expect(await cluster.during(keys(away!.store!))).toHaveLength(42);
  });

  it('ends its watches when the history between is compacted', async () => {
    cluster = await new StoreCluster(3, Math.random, { catchUpBytes: 20_000 }).start();
    const [away] = await cluster.followers();
    const heard = listen(away!.store!);
    cluster.network.partition(cluster.members.filter((member) => member !== away).map(({ url }) => url));
    const leader = await cluster.leader();
    for (const n of upTo(100)) await cluster.during(put(leader.store!, `key ${n % 3}`, 'x'.repeat(2_000)));
    await cluster.during(leader.store!.compact(90));
    await leader.store!.snapshot();
    cluster.network.heal();
    await cluster.until(async () => cluster.network.snapshots > 0 && (await keys(away!.store!, true)).length === 3);
    await cluster.until(() => heard.ends.length > 0);
    expect(heard).toEqual({
      revisions: [],
      ends: ['etcdserver: mvcc: required revision has been compacted'],
    });
  });
});

describe('leases', () => {
  it('are kept alive and told on any member, and outlive their leader', async () => {
    cluster = await new StoreCluster(3).start();
    const [follower, other] = await cluster.followers();
    const { id } = await cluster.during(follower!.store!.leaseGrant(20));
    await cluster.during(follower!.store!.put({ key: 'key 1', value: Buffer.of(1), lease: id }));
    for (let renewals = 0; renewals < 5; renewals++) {
      for (let ticks = 0; ticks < 100; ticks++) await cluster.clock.advance(100);
      expect(await cluster.during(follower!.store!.leaseKeepAlive(id))).toBe(20);
    }
    const status = await cluster.during(other!.store!.leaseStatus(id));
    expect(status).toMatchObject({ id, grantedTtl: 20, keys: ['key 1'] });
    expect(status.ttl).toBeGreaterThan(15);
    const leader = await cluster.leader();
    for (let ticks = 0; ticks < 150; ticks++) await cluster.clock.advance(100);
    cluster.crash(leader);
    await cluster.leader();
    // It begins anew, with what the old leader may have promised in its last moments.
    const renewed = await cluster.during(other!.store!.leaseStatus(id));
    expect(renewed.ttl).toBeGreaterThanOrEqual(18);
    await cluster.until(async () => (await keys(other!.store!, true)).length === 0);
    await expect(cluster.during(follower!.store!.leaseKeepAlive(id))).rejects.toMatchObject({
      code: 'lease-not-found',
    });
    await cluster.until(async () => (await keys(follower!.store!, true)).length === 0);
  });

  it('are not renewed by a member that is cut off and takes itself for the leader', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    const { id } = await cluster.during(leader.store!.leaseGrant(20));
    expect(await cluster.during(leader.store!.leaseKeepAlive(id))).toBe(20);
    cluster.network.partition((await cluster.followers()).map(({ url }) => url));
    const renewal = leader.store!.leaseKeepAlive(id);
    await expect(cluster.during(renewal)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a full disk', () => {
  const full = (operation: string): void => {
    if (operation === 'write') throw Object.assign(new Error('ENOSPC: simulated'), { code: 'ENOSPC' });
  };

  it('makes a follower silent until there is room', async () => {
    cluster = await new StoreCluster(3).start();
    const [follower] = await cluster.followers();
    const leader = await cluster.leader();
    follower!.files.fault = full;
    for (const n of upTo(5)) await cluster.during(put(leader.store!, `key ${n}`));
    expect((await follower!.store!.status()).errors).toEqual([expect.stringContaining('space exceeded')]);
    follower!.files.fault = () => undefined;
    expect(await cluster.during(keys(follower!.store!))).toHaveLength(5);
    expect((await follower!.store!.status()).errors).toEqual([]);
  });

  it('makes a leader give way to another', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    leader.files.fault = full;
    const write = put(leader.store!, 'key lost or not').catch(() => undefined);
    await cluster.until(async () => {
      const leaders = await Promise.all(cluster.members.map(async ({ store }) => (await store!.status()).leader));
      return leaders.filter((id) => id !== 0n && id !== leaders[cluster.members.indexOf(leader)]).length === 2;
    });
    const [one] = cluster.members.filter((member) => member !== leader);
    await cluster.during(put(one!.store!, 'key 1'));
    leader.files.fault = () => undefined;
    await cluster.during(write);
    expect(await cluster.during(keys(leader.store!))).toEqual(await cluster.during(keys(one!.store!)));
  });
});

it('a failed fdatasync stops a member, and the others go on', async () => {
  cluster = await new StoreCluster(3).start();
  const [broken] = await cluster.followers();
  broken!.files.fault = (operation) => {
    if (operation === 'datasync') throw Object.assign(new Error('EIO: simulated'), { code: 'EIO' });
  };
  const leader = await cluster.leader();
  await cluster.during(put(leader.store!, 'key 1'));
  await cluster.until(
    async () =>
      await broken!.store!.status().then(
        () => false,
        () => true,
      ),
  );
  await expect(broken!.store!.status()).rejects.toMatchObject({
    code: 'closed',
    message: expect.stringContaining('EIO'),
  });
  await cluster.during(put(leader.store!, 'key 2'));
  broken!.files.fault = () => undefined;
});
