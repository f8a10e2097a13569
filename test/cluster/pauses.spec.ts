import { setTimeout as wait } from 'node:timers/promises';
import { resources } from '#api';
import { type ClosableObjectClient } from '#client';
import { seededRandom } from '#testing';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { seedOr } from '../tools/seed';
import { informersAgree } from './agreement';
import { ClusterLoad, deploymentOf, type LoadReport } from './load';
import { ProcessCluster } from './process-cluster';
import { isWhole } from './wholeness';

/** Longer than the leases of leaders and of the publisher, shorter than it takes to give a node up. */
const PAUSE_MS = 20_000;
const seed = seedOr(7);

/** What stands still at the same time: there is another of each, or it is not asked meanwhile. `leader:` is whoever leads then. */
const groups: readonly (readonly string[])[] = [
  ['gateway-0', 'leader:scheduler', 'leader:deployment-controller', 'leader:service-controller', 'node-agent-0'],
  [
    'gateway-1',
    'leader:replicaset-controller',
    'leader:resource-controller',
    'leader:node-controller',
    'node-agent-1',
    'dns',
  ],
  ['nats'],
];
describeWith(['nats'], `a cluster of which processes stand still for a while (NESTOR_SEED=${seed})`, () => {
  jest.setTimeout(240_000);
  const deployments = ['a', 'b', 'c'];
  const written: string[] = [];
  const random = seededRandom(seed);
  let cluster: ProcessCluster;
  /** Through the load balancer, and not for long with one request. */
  let api: ClosableObjectClient;

  const nameOf = async (member: string): Promise<string> =>
    member.startsWith('leader:') ? cluster.leaderOf(member.slice('leader:'.length)) : member;

  /** Pauses processes under load. */
  const pause = async (names: readonly string[]): Promise<LoadReport> => {
    const load = new ClusterLoad(api, deployments, random, `written-${written.length}`);
    for (const name of names) cluster.pause(name);
    // That they stand still for so long is what is tested.
    await wait(PAUSE_MS);
    for (const name of names) cluster.cont(name);
    const report = await load.stop();
    written.push(...report.written);
    return report;
  };
  const settles = async (what: string, { answered, retried, failures }: LoadReport): Promise<void> => {
    const started = Date.now();
    await isWhole(cluster, api);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    process.stdout.write(
      `${what}: ${answered} requests answered, ${retried} after retries, ${failures.length} failed; whole after ${seconds} s\n`,
    );
  };

  beforeAll(async () => {
    cluster = await ProcessCluster.start({ loadBalancer: true });
    api = cluster.client(cluster.balancer, { deadlineMs: 2_000 });
    for (const name of deployments) await api.create(resources.deployments, deploymentOf(name, 3));
    await isWhole(cluster, api);
  });
  afterAll(async () => {
    await api?.close();
    await cluster?.stop();
  });

  it.each(groups.map((group) => [group.join(', '), group] as const))(
    'answers everybody who is patient, and is whole again, when these stand still: %s',
    async (what, group) => {
      const report = await pause(await Promise.all(group.map(nameOf)));
      expect(report.failures).toEqual([]);
      expect(report.answered).toBeGreaterThan(20);
      await settles(what, report);
    },
  );

  it('says that it cannot answer while the store stands still, and loses nothing of what it said', async () => {
    const gateway = cluster.client(cluster.servers[0], { deadlineMs: 15_000 });
    const paused = pause(['store']);
    const key = { namespace: 'default', name: 'a' };
    const asked = gateway.get(resources.deployments, key);
    await expect(asked).rejects.toMatchObject({
      code: 503,
      reason: 'ServiceUnavailable',
      message: 'the store did not answer in time',
    });
    await gateway.close();
    const report = await paused;
    for (const failure of report.failures) expect(failure).toMatch(/: (500|503|504) /);
    await settles('store', report);
  });

  it('has kept all that it said it had written', async () => {
    const { items } = await api.list(resources.configMaps, { namespace: 'default' });
    const names = new Set(items.map(({ metadata }) => metadata?.name));
    expect(written.filter((name) => !names.has(name))).toEqual([]);
    expect(written.length).toBeGreaterThan(100);
  });

  it('has every informer agree with the API, object by object', async () => {
    expect(await informersAgree(cluster, api)).toBeGreaterThan(30);
    await eventually(() => cluster.ready());
  });
});
