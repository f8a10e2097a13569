import { resources } from '#api';
import { type ObjectClient } from '#client';
import { ApiError, hasReason } from '#machinery';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { electedApps, ProcessCluster } from './process-cluster';

/** Short, so that a leader that was killed is missed for seconds only. */
const election = { LEASE_DURATION: '4s', RENEW_DEADLINE: '3s', RETRY_PERIOD: '500ms' };

describeWith(['nats'], 'a cluster of processes', () => {
  let cluster: ProcessCluster;
  let replicas = 3;

  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl(...args);
  const isRolledOut = (name: string, count: number): Promise<void> =>
    eventually(async () => {
      const fields = '{.status.readyReplicas} {.status.updatedReplicas} {.status.replicas} {.spec.replicas}';
      const status = await kubectl('get', 'deployment', name, '-o', `jsonpath=${fields}`);
      expect(status).toBe(`${count} ${count} ${count} ${count}`);
    }, 60_000);
  /** The whole chain has to work for this: gateway, store, bus, controllers, scheduler, agents. */
  const converges = async (): Promise<void> => {
    replicas = replicas === 3 ? 4 : 3;
    await eventually(() => kubectl('scale', 'deployment/web', `--replicas=${replicas}`), 30_000);
    await isRolledOut('web', replicas);
  };
  const clientOf = (gateway: number): ObjectClient => cluster.client(cluster.servers[gateway]);

  beforeAll(async () => {
    cluster = await ProcessCluster.start({
      env: Object.fromEntries(electedApps.map((app) => [app, election])),
    });
  });
  afterAll(() => cluster?.stop());

  it('runs, scales, rolls out and removes a deployment', async () => {
    await kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=3');
    await isRolledOut('web', 3);
    await converges();
    await kubectl('set', 'image', 'deployment/web', '*=web:2');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    const [pod = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n');
    await kubectl('delete', pod, '--timeout=60s');
    await isRolledOut('web', replicas);
    await kubectl('create', 'namespace', 'gone');
    await kubectl('create', 'configmap', 'a', '-n', 'gone');
    await kubectl('delete', 'namespace', 'gone', '--timeout=60s');
  });

  it('has all gateways behind default/kubernetes', async () => {
    const ports = '{range .items[*]}{.endpoints[*].addresses[0]}:{.ports[0].port} {end}';
    const found = async (): Promise<string[]> =>
      (await kubectl('get', 'endpointslices', '-l', 'kubernetes.io/service-name=kubernetes', '-o', `jsonpath=${ports}`))
        .trim()
        .split(' ')
        .map((address) => address.split(':')[1] ?? '')
        .sort();
    const wanted = cluster.servers.map((server) => new URL(server).port).sort();
    await eventually(async () => expect(await found()).toEqual(wanted), 15_000);
  });

  it.each(electedApps)('hands leadership of %s over at once when its leader is told to stop', async (app) => {
    const leader = await cluster.leaderOf(app);
    expect(await cluster.stopProcess(leader)).toBe(0);
    // Sooner than the lease would have run out.
    await eventually(async () => expect(await cluster.leaderOf(app)).not.toBe(leader), 3_000);
    cluster.get(leader).start();
    await cluster.get(leader).ready();
  });

  it('works on after the handovers', () => converges());

  it.each(electedApps)('goes on when the leader of %s is killed', async (app) => {
    const leader = await cluster.leaderOf(app);
    await cluster.kill(leader);
    await converges();
    await eventually(async () => expect(await cluster.leaderOf(app)).not.toBe(leader));
    cluster.get(leader).start();
    await cluster.get(leader).ready();
  });

  it.each(['gateway-0', 'gateway-1', 'store', 'nats', 'node-agent-0', 'node-agent-1', 'dns'])(
    'goes on when %s is killed and started again',
    async (name) => {
      await cluster.restart(name);
      await converges();
    },
  );

  it('goes on when a leader was paused for longer than its lease', async () => {
    const leader = await cluster.leaderOf('replicaset-controller');
    cluster.pause(leader);
    await eventually(async () => expect(await cluster.leaderOf('replicaset-controller')).not.toBe(leader), 15_000);
    await converges();
    cluster.cont(leader);
    await converges();
    await eventually(() => expect(cluster.get(leader).log).toContain('lost leadership'));
  });

  it('loses no request of a client that retries while gateways are stopped in turn', async () => {
    const clients = [clientOf(0), clientOf(1)];
    let isOver = false;
    let written = 0;
    const write = async (): Promise<void> => {
      for (; !isOver; written++) {
        const object = { metadata: { namespace: 'default', name: `written-${written}` } };
        for (let attempt = 0; ; attempt++) {
          const client = clients[attempt % clients.length] as ObjectClient;
          try {
            await client.create(resources.configMaps, object);
            break;
          } catch (error) {
            if (attempt > 0 && hasReason(error, 'AlreadyExists')) break;
            // No answer: the connection was refused, or ended.
            if (!(error instanceof ApiError) || ![503, 504].includes(error.code) || attempt > 20) throw error;
          }
        }
      }
    };
    const writing = write();
    for (const name of ['gateway-0', 'gateway-1']) {
      expect(await cluster.stopProcess(name)).toBe(0);
      cluster.get(name).start();
      await cluster.get(name).ready();
    }
    isOver = true;
    await writing;
    const { items } = await clientOf(0).list(resources.configMaps, { namespace: 'default' });
    const names = new Set(items.map(({ metadata }) => metadata?.name));
    for (let i = 0; i < written; i++) expect(names).toContain(`written-${i}`);
    expect(written).toBeGreaterThan(10);
  });

  it('has every informer agree with the others, object by object', async () => {
    const replicaSets = async (name: string): Promise<unknown> =>
      (await cluster.informers(name))['replicasets.apps']?.objects;
    await eventually(async () => {
      const all = await Promise.all(
        [
          'deployment-controller-0',
          'deployment-controller-1',
          'replicaset-controller-0',
          'replicaset-controller-1',
        ].map(replicaSets),
      );
      expect(Object.keys(all[0] as object)).not.toHaveLength(0);
      for (const other of all) expect(other).toEqual(all[0]);
    });
  });
});
