import { type Message } from '#raft';
import { type KeyValueStore } from '../key-value-store';
import { type ClusterMember, StoreCluster } from './store-cluster.fixture';

const put = (store: KeyValueStore, key: string, value = ''): Promise<unknown> =>
  store.put({ key, value: Buffer.from(value) });
const keys = async (store: KeyValueStore, serializable = false): Promise<string[]> =>
  (await store.range({ key: 'key', rangeEnd: 'kez', serializable })).kvs.map(({ key }) => key);

let cluster: StoreCluster;
afterEach(() => cluster.close());

async function names(member: ClusterMember): Promise<string[]> {
  return (await member.store!.cluster.memberList(false))
    .map(({ name, isLearner }) => `${name}${isLearner ? '?' : ''}`)
    .sort();
}

const never = (): boolean => false;
const isRemoved = (error: Error): boolean =>
  error.message === 'etcdserver: the member has been permanently removed from the cluster';

/** Starts what was added, and waits until it knows of itself. */
async function join(member: ClusterMember): Promise<void> {
  await cluster.during(cluster.open(member, 'existing'));
  await cluster.until(async () => (await names(member)).some((name) => name.startsWith(member.name)));
}

describe('members', () => {
  it('come by the same ids, whoever works them out', async () => {
    cluster = await new StoreCluster(3).start();
    const lists = await Promise.all(cluster.members.map(({ store }) => store!.cluster.memberList(false)));
    expect(lists[1]).toEqual(lists[0]);
    expect(lists[2]).toEqual(lists[0]);
    const ids = await Promise.all(cluster.members.map(async ({ store }) => (await store!.status()).clusterId));
    expect(new Set(ids).size).toBe(1);
    expect(await names(cluster.members[0]!)).toEqual(['m0', 'm1', 'm2']);
  });

  it('wait to be known when they start before they are added, and give up after a minute', async () => {
    cluster = await new StoreCluster(3).start();
    const opening = cluster.open(cluster.add('m3'), 'existing');
    const refused = expect(cluster.during(opening)).rejects.toThrow(
      'http://m0:2380 knows of no member at http://m3:2380; http://m1:2380 knows',
    );
    const began = cluster.clock.monotonic();
    await refused;
    expect(cluster.clock.monotonic() - began).toBeGreaterThanOrEqual(60_000);

    const fifth = cluster.add('m4');
    const joining = cluster.open(fifth, 'existing');
    await cluster.during(cluster.members[0]!.store!.cluster.memberAdd([fifth.url], true));
    await cluster.during(joining);
    await cluster.until(async () => (await names(fifth)).includes('m4?'));
  });

  it('are known as they now are to whichever of them was asked to change them', async () => {
    cluster = await new StoreCluster(3).start();
    const [follower] = await cluster.followers();
    const { cluster: administration } = follower!.store!;
    const urls = async (): Promise<string[]> =>
      (await administration.memberList(false)).flatMap(({ peerUrls }) => peerUrls);
    const { id } = await cluster.during(administration.memberAdd(['http://new:2380'], true));
    expect(await urls()).toContain('http://new:2380');
    await cluster.during(administration.memberUpdate(id, ['http://elsewhere:2380']));
    expect(await urls()).toContain('http://elsewhere:2380');
    await cluster.during(administration.memberRemove(id));
    expect(await urls()).not.toContain('http://elsewhere:2380');
  });

  it('learn first, are promoted when they have caught up, and can be removed', async () => {
    cluster = await new StoreCluster(3).start();
    const [follower] = await cluster.followers();
    const { cluster: administration } = follower!.store!;
    await cluster.during(put(follower!.store!, 'key 1'));
    const fourth = cluster.add('m3');
    const { id, isLearner } = await cluster.during(administration.memberAdd([fourth.url], true));
    expect(isLearner).toBe(true);
    await expect(cluster.during(administration.memberPromote(id))).rejects.toMatchObject({
      message: 'etcdserver: can only promote a learner member which is in sync with leader',
    });
    await expect(cluster.during(administration.memberAdd(['http://other:2380'], true))).rejects.toMatchObject({
      message: 'etcdserver: too many learner members in cluster',
    });
    await expect(cluster.during(administration.memberAdd([fourth.url], false))).rejects.toMatchObject({
      message: 'etcdserver: Peer URLs already exists',
    });
    await join(fourth);
    expect((await fourth.store!.status()).isLearner).toBe(true);
    await cluster.until(async () => (await keys(fourth.store!, true)).length === 1);
    await cluster.during(administration.memberPromote(id));
    await cluster.until(async () => !(await fourth.store!.status()).isLearner);
    await expect(cluster.during(administration.memberPromote(id))).rejects.toMatchObject({
      message: 'etcdserver: can only promote a learner member',
    });
    // Its vote counts: with two others down it cannot go on.
    expect(await cluster.during(keys(fourth.store!))).toEqual(['key 1']);

    await cluster.during(administration.memberUpdate(id, ['http://elsewhere:2380']));
    const moved = (await cluster.during(administration.memberList(true))).find((member) => member.id === id);
    expect(moved?.peerUrls).toEqual(['http://elsewhere:2380']);
    await cluster.during(administration.memberRemove(id));
    await expect(cluster.during(administration.memberRemove(id))).rejects.toMatchObject({
      message: 'etcdserver: member not found',
    });
    await cluster.until(async () => (await names(follower!)).join() === 'm0,m1,m2');
    // Whoever is removed learns of it, by asking if need be, and stops.
    await cluster.until(() => fourth.store!.status().then(never, isRemoved));
    await cluster.during(put(follower!.store!, 'key 2'));
  });

  it('are replaced: one that lost its disk goes, another takes its place', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    const [lost] = await cluster.followers();
    const { memberId } = await lost!.store!.status();
    cluster.crash(lost!);
    await cluster.during(put(leader.store!, 'key 1'));
    await cluster.during(leader.store!.cluster.memberRemove(memberId));
    const replacement = cluster.add('m9');
    await cluster.during(leader.store!.cluster.memberAdd([replacement.url], false));
    await join(replacement);
    cluster.members.splice(cluster.members.indexOf(lost!), 1);
    expect(await cluster.during(keys(replacement.store!))).toEqual(['key 1']);
    await cluster.during(put(replacement.store!, 'key 2'));
  });

  it('are not removed or added when the rest could not go on', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    const [one, other] = await cluster.followers();
    const { memberId } = await other!.store!.status();
    cluster.crash(one!);
    await cluster.during(put(leader.store!, 'key 1'));
    // Until check-quorum has noticed.
    for (let ticks = 0; ticks < 25; ticks++) await cluster.clock.advance(100);
    await expect(cluster.during(leader.store!.cluster.memberRemove(memberId))).rejects.toMatchObject({
      message: 'etcdserver: unhealthy cluster',
    });
    await expect(cluster.during(leader.store!.cluster.memberAdd(['http://x:2380'], false))).rejects.toMatchObject({
      message: 'etcdserver: unhealthy cluster',
    });
    for (const urls of [[], ['x'], ['http://x'], ['http://x:1', 'http://x:1']]) {
      await expect(leader.store!.cluster.memberAdd(urls, false)).rejects.toMatchObject({
        message: 'etcdserver: given member URLs are invalid',
      });
    }
  });

  it('hand over leadership', async () => {
    cluster = await new StoreCluster(3).start();
    const leader = await cluster.leader();
    const [next] = await cluster.followers();
    const { memberId } = await next!.store!.status();
    await expect(cluster.during(next!.store!.cluster.moveLeader(memberId))).rejects.toMatchObject({
      message: 'etcdserver: not leader',
    });
    await expect(cluster.during(leader.store!.cluster.moveLeader(5n))).rejects.toMatchObject({
      message: 'etcdserver: bad leader transferee',
    });
    await cluster.during(leader.store!.cluster.moveLeader(memberId));
    expect((await cluster.leader()).name).toBe(next!.name);
  });

  it.each([
    ['hears it from it', () => [1]],
    // The first that the other could hear of it gets lost, as does whatever else is said meanwhile.
    ['hears it late', (message: Message) => (message.type === 'append' ? [] : [1])],
  ])('go on when one of two that led is removed: the other %s', async (_, fate) => {
    cluster = await new StoreCluster(2).start();
    const leader = await cluster.leader();
    const [other] = await cluster.followers();
    const { memberId } = await leader.store!.status();
    await cluster.during(put(leader.store!, 'key 1'));
    const removed = leader.store!.cluster.memberRemove(memberId);
    removed.then(() => (cluster.network.fate = fate)).catch(() => undefined);
    await cluster.during(removed);
    cluster.members.splice(cluster.members.indexOf(leader), 1);
    expect(await cluster.leader()).toBe(other);
    await cluster.during(put(other!.store!, 'key 2'));
    expect(await cluster.during(keys(other!.store!))).toEqual(['key 1', 'key 2']);
    await cluster.until(() => leader.store!.status().then(never, isRemoved));
    await cluster.stop(leader);
  });

  it('leave one by one until one is left, and come again', async () => {
    cluster = await new StoreCluster(3).start();
    for (let left = 3; left > 1; left--) {
      const leader = await cluster.leader();
      const [follower] = await cluster.followers();
      const { memberId } = await follower!.store!.status();
      await cluster.during(leader.store!.cluster.memberRemove(memberId));
      await cluster.stop(follower!);
      cluster.members.splice(cluster.members.indexOf(follower!), 1);
    }
    const [last] = cluster.members;
    await put(last!.store!, 'key 1');
    const { memberId } = await last!.store!.status();
    await expect(cluster.during(last!.store!.cluster.memberRemove(memberId))).rejects.toMatchObject({
      code: 'failed-precondition',
    });
    const fresh = cluster.add('fresh');
    await cluster.during(last!.store!.cluster.memberAdd([fresh.url], false));
    await join(fresh);
    expect(await cluster.during(keys(fresh.store!))).toEqual(['key 1']);
  });
});
