import { type Pod, type ReplicaSet, resources } from '#api';
import { silentLogger } from '#telemetry';
import { FakeClock, FakeCluster, apiError, pod, replicaSet } from '#testing';
import { Expectations, adoptOrRelease, createEventRecorder, deepEqualSemantic, slowStart } from '../index';

describe('slowStart', () => {
  it('doubles its batches, and stops after the batch that failed', async () => {
    const started: number[] = [];
    const act = (failAt: number) => async (index: number) => {
      started.push(index);
      if (index === failAt) throw new Error('quota');
    };
    expect(await slowStart(10, act(-1))).toEqual({ successes: 10 });
    started.length = 0;
    expect(await slowStart(10, act(1))).toMatchObject({ successes: 2, error: new Error('quota') });
    expect(started).toEqual([0, 1, 2]);
    expect(await slowStart(0, act(-1))).toEqual({ successes: 0 });
  });
});

describe('deepEqualSemantic', () => {
  it.each([
    [{ a: [] }, {}, true],
    [{ a: { b: undefined } }, { c: null }, true],
    [{ a: 0 }, {}, false],
    [{ a: '' }, {}, false],
    [{ a: false }, {}, false],
    [{ a: [1, 2] }, { a: [2, 1] }, false],
    [{ a: { b: 1 } }, { a: { b: 1, c: {} } }, true],
    [{ a: [1] }, { a: { 0: 1 } }, false],
    [undefined, {}, true],
    [1, '1', false],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(deepEqualSemantic(a, b)).toBe(expected);
    expect(deepEqualSemantic(b, a)).toBe(expected);
  });
});

describe('Expectations', () => {
  const view = (revision: number, ...gone: string[]) => ({ revision, isGone: (uid: string) => gone.includes(uid) });

  it('wait for the cache to show writes and deletions', () => {
    const expectations = new Expectations(new FakeClock());
    expect(expectations.satisfied('a', view(0))).toBe(true);
    expectations.wrote('a', '12');
    expectations.wrote('a', '11');
    expectations.deleting('a', 'u1');
    expectations.deleting('a', 'u2');
    expectations.notDeleting('a', 'u2');
    expect(expectations.satisfied('a', view(11, 'u1'))).toBe(false);
    expect(expectations.satisfied('b', view(0))).toBe(true);
    expect(expectations.satisfied('a', view(12))).toBe(true);
  });

  it('give up after five minutes', async () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    expectations.deleting('a', 'u1');
    await clock.advance(299_000);
    expect(expectations.satisfied('a', view(0))).toBe(false);
    await clock.advance(1000);
    expect(expectations.satisfied('a', view(0))).toBe(true);
  });
});

describe('adoptOrRelease', () => {
  const claim = (cluster: FakeCluster, owner = cluster.get(resources.replicaSets, 'default/web')!) =>
    adoptOrRelease<Pod, ReplicaSet>({
      client: cluster.client,
      owner,
      ownerResource: resources.replicaSets,
      resource: resources.pods,
      candidates: cluster.list(resources.pods),
      matches: ({ metadata }) => metadata?.labels?.app === 'web',
    });
  const web = replicaSet('web').uid('u-web');

  it('adopts matching orphans, releases what no longer matches, leaves the rest alone', async () => {
    const cluster = new FakeCluster().add(
      web,
      pod('mine').labels({ app: 'web' }).ownedBy(web),
      pod('orphan').labels({ app: 'web' }),
      pod('dying').labels({ app: 'web' }).terminating(),
      pod('stray').labels({ app: 'x' }).ownedBy(web),
      pod('others').labels({ app: 'web' }).ownedBy(replicaSet('other').uid('u-other')),
    );
    const claimed = await claim(cluster);
    expect(claimed.map(({ metadata }) => metadata?.name)).toEqual(['mine', 'orphan']);
    expect(cluster.takeWrites().sort()).toEqual(['patch pods default/orphan', 'patch pods default/stray']);
    expect(cluster.get(resources.pods, 'default/orphan')?.metadata?.ownerReferences).toEqual([
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web',
        uid: 'u-web',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(cluster.get(resources.pods, 'default/stray')?.metadata?.ownerReferences).toEqual([]);
  });

  it('adopts nothing for an owner that is gone or going', async () => {
    const cluster = new FakeCluster().add(web, pod('orphan').labels({ app: 'web' }));
    const stale = cluster.get(resources.replicaSets, 'default/web')!;
    cluster.add(replicaSet('web').uid('u-web').terminating());
    await expect(claim(cluster, stale)).rejects.toThrow('default/web has just been deleted at 2026-01-01T00:00:00Z');
    expect(await claim(cluster)).toEqual([]);
    expect(cluster.takeWrites()).toEqual([]);
  });
});

describe('createEventRecorder', () => {
  const setUp = () => {
    const cluster = new FakeCluster();
    const { client, clock } = cluster;
    const recorder = createEventRecorder({
      client,
      clock,
      component: 'tester',
      random: () => 0,
      logger: silentLogger(),
    });
    const about = pod('a').uid('u').build();
    const say = async (message: string): Promise<void> => {
      recorder.event(about, 'Normal', 'Said', message);
      await clock.advance(0);
    };
    const texts = () => cluster.list(resources.events).map(({ message, count }) => `${count} ${message}`);
    return { cluster, recorder, about, say, texts };
  };

  it('writes an event as upstream does, and counts its repetitions', async () => {
    const { cluster, recorder, say } = setUp();
    await say('hello');
    await say('hello');
    await cluster.clock.advance(1000);
    await say('hello');
    const [event, ...others] = cluster.list(resources.events);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      metadata: { name: expect.stringMatching(/^a\.[0-9a-f]{16}$/), namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'u', apiVersion: 'v1' },
      reason: 'Said',
      message: 'hello',
      source: { component: 'tester' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:01Z',
      count: 3,
      type: 'Normal',
    });
    await recorder.stop();
  });

  it('folds what is similar, and falls silent about an object that talks too much', async () => {
    const { recorder, say, texts } = setUp();
    for (let i = 0; i < 40; i++) await say(`message ${i}`);
    expect(texts()).toHaveLength(11);
    expect(texts().at(-1)).toBe('15 (combined from similar events): message 24');
    await recorder.stop();
  });

  it('writes anew what has expired, retries, and never rejects', async () => {
    const { cluster, recorder, say, texts } = setUp();
    await say('hello');
    cluster.remove(resources.events, `default/${cluster.list(resources.events)[0]?.metadata?.name}`);
    cluster.failNext('patch', resources.events, apiError(500, 'InternalError'));
    await say('hello');
    await cluster.clock.advance(5000);
    expect(texts()).toEqual(['2 hello']);
    cluster.failNext('create', resources.events, apiError(403, 'Forbidden'));
    await say('denied');
    expect(texts()).toEqual(['2 hello']);
    await recorder.stop();
    expect(cluster.clock.pending).toBe(0);
  });
});
