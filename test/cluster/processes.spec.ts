import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { electedApps, ProcessCluster } from './process-cluster';

describeWith(['nats'], 'a cluster of processes', () => {
  jest.setTimeout(300_000);
  let cluster: ProcessCluster;

  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl(...args);
  const readyReplicas = async (name: string, count: number): Promise<void> =>
    eventually(
      async () =>
        expect(
          await kubectl(
            'get',
            'deployment',
            name,
            '-o',
            'jsonpath={.status.readyReplicas} {.status.updatedReplicas} {.status.replicas}',
          ),
        ).toBe(`${count} ${count} ${count}`),
      60_000,
    );

  beforeAll(async () => {
    cluster = await ProcessCluster.start();
  });
  afterAll(() => cluster?.stop());

  it('runs, scales, rolls out and removes a deployment', async () => {
    await kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=3');
    await readyReplicas('web', 3);
    await kubectl('scale', 'deployment/web', '--replicas=5');
    await readyReplicas('web', 5);
    await kubectl('set', 'image', 'deployment/web', '*=web:2');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    await kubectl('delete', 'pod', '-l', 'app=web', '--wait=false');
    await readyReplicas('web', 5);
    await kubectl('create', 'namespace', 'gone');
    await kubectl('create', 'configmap', 'a', '-n', 'gone');
    await kubectl('delete', 'namespace', 'gone', '--timeout=60s');
  });

  it('has one leader of each kind, and all gateways behind default/kubernetes', async () => {
    for (const app of electedApps) expect(await cluster.leaderOf(app)).toMatch(`${app}-`);
  });
});
