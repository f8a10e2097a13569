import { setTimeout as wait } from 'node:timers/promises';
import { resources } from '#api';
import { Random } from '#testing';
import { ProcessCluster } from '../../cluster/process-cluster';
import { eventually } from '../../tools/eventually';
import { Crowd } from './crowd';
import { leftovers } from './leftovers';

export interface LeakOptions {
  readonly durationMs: number;
  /** How many there are at most. */
  readonly pods: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface LeakReport {
  /** Pods that restarted without cause, or went without being removed. */
  readonly faults: readonly string[];
  /** By kind, each empty if all is well. */
  readonly left: Readonly<Record<string, readonly string[]>>;
  readonly counts: Readonly<Record<string, number>>;
}

const agent = 'node-agent-0';
const node = 'node-0';
const settleMs = 240_000;
const cleanMs = 60_000;

/** Lets pods come, be killed and go on one node while its agent is killed again and again; then removes all, and looks for what is left. */
export async function runLeaks({ durationMs, pods, seed, say }: LeakOptions): Promise<LeakReport> {
  const random = new Random(seed);
  const none = {
    scheduler: 0,
    'deployment-controller': 0,
    'replicaset-controller': 0,
    'service-controller': 0,
    dns: 0,
  };
  const one = { gateway: 1, 'resource-controller': 1, 'node-controller': 1 };
  const env = { 'node-agent': { SERVICE_PROXY: 'false', OVERLAY: 'none' } };
  const cluster = await ProcessCluster.start({ runtime: 'native', agents: 1, replicas: { ...none, ...one }, env });
  const api = cluster.client();
  const traces = (): Parameters<typeof leftovers>[0] => ({
    name: cluster.clusterName,
    node,
    dataDirectory: cluster.dataDirectories[0] ?? '',
    agentPid: cluster.get(agent).pid,
  });
  try {
    await eventually(() => api.get(resources.serviceAccounts, { namespace: 'default', name: 'default' }), 60_000);
    const crowd = new Crowd(api, node, random.fork(), 20_000 + random.below(30) * 200);
    // The first pod waits for the image, which is made on the machine.
    await crowd.create();
    await eventually(async () => expect(await crowd.unsettled()).toEqual([]), settleMs);
    const agents = new AgentNemesis(cluster, random.fork());
    say('the cluster is up');
    const deadline = Date.now() + durationMs;
    await Promise.all([
      agents.run(deadline),
      disturb(crowd, random.fork(), pods, deadline),
      report(crowd, say, deadline),
    ]);
    say('waiting until whoever is left is as it should be');
    await eventually(async () => expect(await crowd.unsettled()).toEqual([]), settleMs);
    const faults = [...crowd.faults];
    say('removing all');
    await crowd.removeAll();
    await eventually(async () => {
      const { items } = await api.list(resources.pods);
      expect(items.map(({ metadata }) => metadata?.name)).toEqual([]);
    }, settleMs);
    await eventually(() => expect(Object.values(leftovers(traces())).flat()).toEqual([]), cleanMs).catch(
      // The report says what.
      () => undefined,
    );
    return { faults, left: leftovers(traces()), counts: { ...crowd.counts, 'agents killed': agents.kills } };
  } finally {
    await api.close();
    await cluster.stop();
  }
}

/** Kills the agent, and starts it again a little later. */
class AgentNemesis {
  kills = 0;

  constructor(
    private readonly cluster: ProcessCluster,
    private readonly random: Random,
  ) {}

  async run(deadline: number): Promise<void> {
    const process = this.cluster.get(agent);
    while (Date.now() < deadline) {
      // Some in the midst of what they begin with, or before.
      const isEarly = this.random.chance(0.3);
      if (!isEarly) await process.ready();
      await wait(isEarly ? this.random.between(300, 3000) : this.random.between(1000, 20_000));
      await process.kill();
      this.kills++;
      await wait(this.random.chance(0.5) ? 0 : this.random.between(0, 2000));
      process.start();
    }
    await process.ready();
  }
}

async function disturb(crowd: Crowd, random: Random, most: number, deadline: number): Promise<void> {
  while (Date.now() < deadline) {
    const isFull = (await crowd.size()) >= most;
    const chance = random.next();
    if (!isFull && chance < 0.6) await crowd.create();
    else if (chance < 0.75) crowd.killContainer();
    else if (chance < 0.82) crowd.killSandbox();
    else await crowd.remove();
    await wait(random.between(0, 200));
  }
}

async function report(crowd: Crowd, say: (line: string) => void, deadline: number): Promise<void> {
  while (Date.now() < deadline) {
    await wait(Math.min(10_000, Math.max(0, deadline - Date.now())));
    say(`${await crowd.size()} pods; ${JSON.stringify(crowd.counts)}`);
  }
}
