import { resources } from '#api';
import { silentLogger } from '#telemetry';
import { FakeClock, FakeCluster, apiError, settle } from '#testing';
import { leaseElector } from '../index';

const lease = { namespace: 'kube-system', name: 'scheduler' };

/** A replica that writes down when it leads. */
function replica(cluster: FakeCluster, identity: string, log: string[], clock: FakeClock = cluster.clock) {
  const elector = leaseElector({
    client: cluster.client,
    lease,
    identity,
    clock,
    random: () => 0,
    logger: silentLogger(),
  });
  const running = elector.run(async (signal) => {
    log.push(`${identity} leads`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    log.push(`${identity} stops`);
  });
  return { elector, running };
}

const holder = (cluster: FakeCluster) => cluster.get(resources.leases, 'kube-system/scheduler')?.spec;

describe('leaseElector', () => {
  it('lets one lead, and the next as soon as the first stops', async () => {
    const cluster = new FakeCluster();
    const log: string[] = [];
    const a = replica(cluster, 'a', log);
    await settle();
    const b = replica(cluster, 'b', log);
    await cluster.clock.advance(60_000);
    expect(log).toEqual(['a leads']);
    expect(holder(cluster)).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    await a.elector.stop();
    expect(holder(cluster)?.holderIdentity).toBe('');
    await cluster.clock.advance(2500);
    expect(log).toEqual(['a leads', 'a stops', 'b leads']);
    expect(holder(cluster)).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    await b.elector.stop();
    await Promise.all([a.running, b.running]);
    expect(cluster.clock.pending).toBe(0);
  });

  it('stops leading before another may start when it cannot renew', async () => {
    const cluster = new FakeCluster();
    const [clockA, clockB] = [new FakeClock(), new FakeClock()];
    const log: string[] = [];
    const a = replica(cluster, 'a', log, clockA);
    await settle();
    const b = replica(cluster, 'b', log, clockB);
    const tick = async (): Promise<void> => {
      await clockA.advance(2000);
      await clockB.advance(2000);
    };
    await tick();
    // As long as a leads, nobody reaches the API; b could take over only after the lease has run out.
    const get = cluster.client.get.bind(cluster.client);
    jest
      .spyOn(cluster.client, 'get')
      .mockImplementation((resource, key) =>
        log.at(-1) === 'a leads' ? Promise.reject(apiError(504, 'Timeout')) : get(resource, key),
      );
    for (let i = 0; i < 10 && log.length < 3; i++) await tick();
    expect(log.slice(0, 2)).toEqual(['a leads', 'a stops']);
    expect(log).toHaveLength(3);
    await Promise.all([a.elector.stop(), b.elector.stop()]);
  });

  it('takes over from a replica that is gone, after the lease has run out on its own clock', async () => {
    const cluster = new FakeCluster();
    cluster.add({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...lease },
      // The dead replica's clock was wrong by years: that must not matter.
      ...{ spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2036-01-01T00:00:00.000000Z' } },
    });
    const log: string[] = [];
    const a = replica(cluster, 'a', log);
    await cluster.clock.advance(14_000);
    expect(log).toEqual([]);
    cluster.clock.jump(3_600_000);
    await settle();
    expect(log).toEqual([]);
    await cluster.clock.advance(3000);
    expect(log).toEqual(['a leads']);
    await a.elector.stop();
  });

  it('steps down when it finds another in its place', async () => {
    const cluster = new FakeCluster();
    const log: string[] = [];
    const a = replica(cluster, 'a', log);
    await settle();
    cluster.edit(resources.leases, 'kube-system/scheduler', (object) => (object.spec!.holderIdentity = 'thief'));
    await cluster.clock.advance(2000);
    expect(log).toEqual(['a leads', 'a stops']);
    await a.elector.stop();
    expect(holder(cluster)?.holderIdentity).toBe('thief');
  });

  it('gives each term a fence of its own, and keeps the last one after it is over', async () => {
    const cluster = new FakeCluster();
    const log: string[] = [];
    const a = replica(cluster, 'a', log);
    expect(a.elector.fence?.()).toBeUndefined();
    await settle();
    expect(a.elector.fence?.()).toEqual({ lease, holder: 'a', transitions: 0 });
    cluster.edit(resources.leases, 'kube-system/scheduler', (object) => {
      object.spec = { ...object.spec, holderIdentity: 'thief', leaseTransitions: 1 };
    });
    await cluster.clock.advance(4000);
    expect(log).toEqual(['a leads', 'a stops']);
    expect(a.elector.fence?.()).toEqual({ lease, holder: 'a', transitions: 0 });
    await cluster.clock.advance(20_000);
    expect(log.at(-1)).toBe('a leads');
    expect(a.elector.fence?.()).toEqual({ lease, holder: 'a', transitions: 2 });
    await a.elector.stop();
  });

  it('tells the leader at which revision its term began', async () => {
    const cluster = new FakeCluster();
    const { client, clock } = cluster;
    const options = { client, lease, identity: 'a', clock, random: () => 0, logger: silentLogger() };
    const elector = leaseElector(options);
    let since = -1;
    void elector.run((signal, revision) => {
      since = revision;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    });
    await settle();
    expect(since).toBe(Number(cluster.get(resources.leases, 'kube-system/scheduler')?.metadata?.resourceVersion));
    expect(since).toBeGreaterThan(0);
    await elector.stop();
  });
});
