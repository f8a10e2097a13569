import { type Clock } from '#machinery';
import { type ContainerRuntime, createFakeRuntime } from '#runtime';
import { type Logger } from '#telemetry';
import { type ClusterIdentity } from './cluster-state';
import { type NetworkPlan } from './network-plan';

/** What runs containers, and what to tell about it. */
export interface RuntimeChoice {
  readonly name: string;
  /** False: there is none; nodes are not ready and say why. */
  readonly isAvailable: boolean;
  /** Pods are processes of this machine, with addresses and files. */
  readonly hasRealPods: boolean;
  readonly notes: readonly string[];
  runtimeFor(nodeName: string): ContainerRuntime;
}

export interface RuntimeContext {
  readonly identity: ClusterIdentity;
  readonly plan: NetworkPlan;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly progress: (activity: string) => void;
}

/** Finds what was asked for; `auto` takes Docker. */
export async function chooseRuntime(
  wanted: 'auto' | 'docker' | 'fake',
  context: RuntimeContext,
): Promise<RuntimeChoice> {
  if (wanted === 'fake') {
    const { clock, random } = context;
    return {
      name: 'fake',
      isAvailable: true,
      hasRealPods: false,
      notes: ['pods are simulated: nothing runs in them'],
      runtimeFor: () => createFakeRuntime({ clock, random }),
    };
  }
  throw new Error('no docker yet');
}
