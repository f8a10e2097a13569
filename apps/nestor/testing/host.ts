import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resources } from '#api';
import { createInProcessBus } from '#bus';
import { type ClosableObjectClient } from '#client';
import { ApiError, type KubernetesObject } from '#machinery';
import { ClientFactory, users } from '#process';
import { type KeyValueStore } from '#store';
import { silentLogger } from '#telemetry';
import { type RunningCluster, startCluster } from '../src/cluster';
import { administratorKubeconfig, type ClusterPki } from '../src/cluster-state';
import { applyAll, flatten, readManifests } from './apply';
import { Changes } from './changes';
import { type Host, type HostOptions, type Outcome } from './contract';
import { Discovery } from './discovery';
import { durationMs } from './duration';
import { Quiescence } from './quiescence';
import { stateInMemory } from './state-in-memory';
import { TestClock } from './test-clock';
import { waitFor } from './wait-for';

export { resources };

const WAIT_MS = 10_000;
/** A stop that takes longer waits for the clock. In real time; the step is in the cluster's. */
const HURRY_AFTER_MS = 200;
const HURRY_STEP_MS = 10_000;

/** Starts a cluster in this process: all components, nothing on disk, pods simulated. */
export async function startHost({ nodes }: HostOptions): Promise<Host> {
  const clock = new TestClock();
  const logger = silentLogger();
  let cluster: RunningCluster | undefined;
  let changes: Changes | undefined;
  let kubeconfig = '';
  const quiescence = new Quiescence({ isIdle: () => cluster?.isIdle() ?? true, now: () => performance.now() });
  const own = createInProcessBus({ clock, random: Math.random, logger });
  const bus = quiescence.watch(own);
  const onStore = (store: KeyValueStore): void => {
    changes = new Changes(store, () => quiescence.moved());
  };
  const onServing = (pki: ClusterPki, server: string): void => {
    kubeconfig = administratorKubeconfig(pki, server);
  };
  try {
    cluster = await startCluster({
      state: stateInMemory(onStore, onServing),
      host: '127.0.0.1',
      port: 0,
      runtime: 'fake',
      nodes,
      nodeName: (index) => `node-${index + 1}`,
      clock,
      bus,
      logger,
      progress: () => undefined,
      signal: new AbortController().signal,
    });
  } catch (error) {
    await own.close();
    throw error;
  }
  const client = new ClientFactory({ bus, clock, random: Math.random }).as(users.addons, 'nestor-testing');
  return new ClusterHost({
    cluster,
    clock,
    quiescence,
    client,
    changes: changes!,
    kubeconfig,
    closeBus: () => own.close(),
  });
}

interface Parts {
  readonly cluster: RunningCluster;
  readonly clock: TestClock;
  readonly quiescence: Quiescence;
  readonly client: ClosableObjectClient;
  readonly changes: Changes;
  readonly kubeconfig: string;
  readonly closeBus: () => Promise<void>;
}

class ClusterHost implements Host {
  readonly server: string;
  readonly kubeconfig: string;
  readonly nodes: readonly string[];
  readonly clock: TestClock;
  private readonly discovery: Discovery;
  private directory: Promise<string> | undefined;
  private stopped: Promise<string> | undefined;

  constructor(private readonly parts: Parts) {
    const { cluster, client, clock, kubeconfig } = parts;
    this.clock = clock;
    this.server = cluster.server;
    this.kubeconfig = kubeconfig;
    this.nodes = [...cluster.agents.keys()];
    this.discovery = new Discovery(client);
  }

  call(method: string, args: readonly unknown[]): Promise<string> {
    return answer(() => {
      const calls = this.parts.client as unknown as Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;
      return calls[method]!(...args.map(copy));
    });
  }

  apply(manifests: unknown): Promise<string> {
    const { client } = this.parts;
    return answer(() => {
      const objects: KubernetesObject[] =
        typeof manifests === 'string'
          ? readManifests(manifests)
          : [copy(manifests)].flat().flatMap((object, index) => flatten(object, `object ${index + 1}`));
      return applyAll(client, this.discovery, objects);
    });
  }

  waitFor: Host['waitFor'] = (ref, condition, { namespace = 'default', timeoutMs = WAIT_MS }) => {
    const { client, changes } = this.parts;
    const judged = typeof condition === 'string' ? condition : (object: unknown) => condition(JSON.stringify(object));
    return answer(() => waitFor(client, this.discovery, changes, { ref, condition: judged, namespace, timeoutMs }));
  };

  advance(duration: number | string): Promise<string> {
    const { clock, quiescence } = this.parts;
    return answer(() => clock.advance(durationMs(duration), () => quiescence.settle()));
  }

  async writeKubeconfig(): Promise<string> {
    return answer(async () => {
      const directory = await (this.directory ??= mkdtemp(join(tmpdir(), 'nestor-testing-')));
      const file = join(directory, 'kubeconfig');
      await writeFile(file, this.kubeconfig, { mode: 0o600 });
      return file;
    });
  }

  stopNode(name: string): Promise<string> {
    return answer(async () => {
      const agent = this.parts.cluster.agents.get(name);
      if (agent === undefined) throw new Error(`there is no node ${name}, only ${this.nodes.join(', ')}`);
      await agent.stop();
    });
  }

  stop(): Promise<string> {
    return (this.stopped ??= answer(async () => {
      const { cluster, changes, closeBus } = this.parts;
      await this.hurried(cluster.stop());
      changes.stop();
      await closeBus();
      if (this.directory !== undefined) await rm(await this.directory, { recursive: true, force: true });
    }));
  }

  /** Nobody waits, in real time, for what would end only with time: a container that starts slowly, the limit of a drain. */
  private async hurried(stop: Promise<void>): Promise<void> {
    const { clock, quiescence } = this.parts;
    let isOver = false;
    const hurry = async (): Promise<void> => {
      while (!isOver) await clock.advance(HURRY_STEP_MS, () => quiescence.settle());
    };
    const patience = setTimeout(() => void hurry(), HURRY_AFTER_MS);
    try {
      await stop;
    } finally {
      isOver = true;
      clearTimeout(patience);
    }
  }
}

/** Of another context, perhaps, and the caller's: here it would be frozen. */
function copy(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

async function answer(act: () => Promise<unknown>): Promise<string> {
  return JSON.stringify(await outcomeOf(act));
}

async function outcomeOf(act: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await act() };
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status };
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
