import { type Node, type Pod, resources } from '#api';
import { FakeCluster, pod, type PodBuilder, settle } from '#testing';
import { startNodeAgent, type RunningNodeAgent } from '../agent';
import { type NodeAgentConfig } from '../config';
import { type NodeAgentDependencies } from '../dependencies';
import { ScriptedRuntime } from './scripted-runtime';

/** An agent for node `n1` on a cluster and a runtime in memory. */
export class AgentHarness {
  readonly cluster = new FakeCluster();
  readonly runtime = new ScriptedRuntime(this.cluster.clock);
  agent: RunningNodeAgent | undefined;

  constructor() {
    this.cluster.hasGracefulPods = true;
    this.runtime.images.set('image:latest', { id: 'sha256:1', tags: ['image:latest'], digests: [], sizeBytes: 1 });
  }

  async start(config: Partial<NodeAgentConfig> = {}, deps: Partial<NodeAgentDependencies> = {}): Promise<this> {
    const shared = this.cluster.dependencies();
    this.agent = await startNodeAgent(
      { nodeName: 'n1', dataDir: '/nowhere', nodeIp: '192.0.2.1', usesHostFilesystem: false, ...config },
      { ...shared, runtime: this.runtime, ...deps },
    );
    const known = this.cluster.get(resources.nodes, 'n1') as Node | undefined;
    if (known !== undefined && known.spec?.podCIDR === undefined) {
      this.cluster.edit(resources.nodes, 'n1', (node) => (node.spec = { ...node.spec, podCIDR: '10.0.1.0/24' }));
    }
    await this.run(50);
    this.runtime.takeCalls();
    this.cluster.events.splice(0);
    return this;
  }

  /** A pod of this node, whose image is present. */
  pod(name: string, change: (pod: Pod) => void = () => undefined): PodBuilder {
    return pod(name)
      .on('n1')
      .uid(`uid-${name}`)
      .with((object) => {
        object.spec!.containers[0]!.imagePullPolicy = 'IfNotPresent';
        object.metadata!.generation = 1;
        object.spec!.terminationGracePeriodSeconds = 30;
        change(object);
      });
  }

  /** Lets time pass; real I/O is waited for a few rounds. */
  async run(ms: number): Promise<void> {
    await this.cluster.clock.advance(ms);
    for (let round = 0; round < 5; round++) await settle();
  }

  status(name: string): NonNullable<Pod['status']> {
    return (this.cluster.get(resources.pods, `default/${name}`)?.status ?? {}) as NonNullable<Pod['status']>;
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
  }
}
