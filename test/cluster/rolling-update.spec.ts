import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resources } from '#api';
import { type ClosableObjectClient } from '#client';
import { hostAddresses } from '#process';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { Traffic } from '../tools/traffic';
import { electedApps, ProcessCluster } from './process-cluster';
import { isWhole } from './wholeness';

/** Short, so that a leader that was killed is missed for seconds only. */
const election = { LEASE_DURATION: '4s', RENEW_DEADLINE: '3s', RETRY_PERIOD: '500ms' };
const key = { namespace: 'default', name: 'hello' };
const example = join(__dirname, '../../examples/hello/hello.yaml');

/**
 * Whom updates are to survive: the first is killed when one pod is new, the second when two are. `leader:` is whoever leads when the
 * time has come. The agent that carries Services out goes with the other one, as on a machine of its own: what it cannot hear of, that a pod
 * goes, does not happen meanwhile. Last, the seconds for which the pods of the update are still reached after they have been told to go.
 */
const victims = [
  ['leader:scheduler leader:replicaset-controller', 'gateway-0', 5],
  // These pods are the next ones' predecessors: they have to be reached until another service controller has missed its leader.
  ['leader:deployment-controller', 'node-agent-0 node-agent-1', 20],
  ['leader:service-controller', 'gateway-1', 5],
] as const;

describeWith(['docker', 'root', 'nats'], 'a rolling update by many processes, on Docker', () => {
  jest.setTimeout(240_000);
  let cluster: ProcessCluster;
  let api: ClosableObjectClient;
  let traffic: Traffic | undefined;
  let version = 0;

  /** Begins the next update. As on every cluster of several nodes, pods that go are still reached for a time, in which others hear of it. */
  const update = async (seconds: number): Promise<void> => {
    const env = [{ name: 'GREETING', value: `Version ${++version}`, valueFrom: null }];
    const lifecycle = { preStop: { sleep: { seconds } } };
    const template = { spec: { containers: [{ name: 'web', env, lifecycle }] } };
    await eventually(() => api.patch(resources.deployments, key, 'strategic', { spec: { template } }));
  };
  const reaches = (count: number): Promise<void> =>
    eventually(async () => {
      const { status } = await api.get(resources.deployments, key);
      const { updatedReplicas = 0, replicas = 0 } = status ?? {};
      expect(updatedReplicas).toBeGreaterThanOrEqual(count);
      // There is an old one, too: it is not over.
      expect(replicas).toBeGreaterThan(updatedReplicas);
    });
  const kill = async (victim: string): Promise<void> => {
    const nameOf = async (one: string): Promise<string> =>
      one.startsWith('leader:') ? cluster.leaderOf(one.slice('leader:'.length)) : one;
    const names = await Promise.all(victim.split(' ').map(nameOf));
    await Promise.all(names.map((name) => cluster.kill(name)));
    for (const name of names) cluster.get(name).start();
  };
  const ends = async (what: string): Promise<void> => {
    const started = Date.now();
    await isWhole(cluster, api);
    const { answers = [], failures = [] } = traffic?.take() ?? {};
    process.stdout.write(
      `${what}: ${answers.length} answers, ${failures.length} failures; whole ${Date.now() - started} ms later\n`,
    );
    expect(failures).toEqual([]);
    expect(answers.at(-1)).toContain(`Version ${version}`);
  };

  beforeAll(async () => {
    cluster = await ProcessCluster.start({
      runtime: 'docker',
      loadBalancer: true,
      replicas: { dns: 0, 'resource-controller': 1, 'node-controller': 1 },
      env: {
        ...Object.fromEntries(electedApps.map((app) => [app, election])),
        // One of the agents of this machine carries Services out.
        'node-agent-1': { SERVICE_PROXY: 'false' },
      },
    });
    api = cluster.client(cluster.balancer, { deadlineMs: 5_000 });
    // Any node port: others run the example, too.
    const manifest = readFileSync(example, 'utf8')
      .replace(/^ *nodePort: .*$/m, '')
      .replace(/^( *)readinessProbe:/m, '$1lifecycle: { preStop: { sleep: { seconds: 5 } } }\n$&');
    const file = join(cluster.directory, 'hello.yaml');
    writeFileSync(file, manifest);
    await cluster.kubectl('apply', '-f', file);
    await isWhole(cluster, api);
    const service = await api.get(resources.services, key);
    const url = `http://${hostAddresses()[0]}:${service.spec?.ports?.[0]?.nodePort}`;
    await eventually(async () => expect((await fetch(url)).ok).toBe(true));
    traffic = new Traffic(url);
  });
  afterAll(async () => {
    await traffic?.stop();
    await api?.close();
    await cluster?.stop();
  });

  it('fails no request', async () => {
    await update(5);
    await ends('undisturbed');
  });

  it.each(victims)(
    'ends, doubles nothing and fails no request when %s and %s are killed',
    async (first, second, seconds) => {
      await update(seconds);
      await reaches(1);
      await kill(first);
      await reaches(2);
      await kill(second);
      await ends(`${first}, ${second}`);
      await cluster.ready();
    },
  );
});
