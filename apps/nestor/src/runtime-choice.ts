import { type Clock } from '#machinery';
import {
  connectToDocker,
  type ContainerRuntime,
  createDockerRuntime,
  createFakeRuntime,
  type DockerRuntime,
  type PodNetworkConfig,
  RuntimeError,
} from '#runtime';
import { type Logger } from '#telemetry';
import { type ClusterIdentity } from './cluster-state';
import { type NetworkPlan } from './network-plan';
import { UserError } from './user-error';

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
  readonly pods: Pick<PodNetworkConfig, 'isMasqueraded' | 'mtu'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly progress: (activity: string) => void;
}

/**
 * Finds what was asked for. `auto` takes Docker; without one the control plane runs all the same, and the node says why it is
 * not ready. Asking for `docker` by name and having none is an error.
 */
export async function chooseRuntime(
  wanted: 'auto' | 'docker' | 'fake',
  context: RuntimeContext,
): Promise<RuntimeChoice> {
  if (wanted === 'fake') return fake(context);
  const docker = connectToDocker();
  try {
    const version = await docker.version();
    await docker.ensureLocalImages(context.progress);
    const runtimes = dockerRuntimes(context);
    const first = runtimes('');
    try {
      await first.ensureNetwork();
    } finally {
      await first.close();
    }
    return { name: `docker ${version}`, isAvailable: true, hasRealPods: true, notes: [], runtimeFor: runtimes };
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'unavailable') throw error;
    if (wanted === 'docker') throw new UserError(`Docker does not answer (${error.message}). ${ADVICE}`);
    return {
      name: 'none',
      isAvailable: false,
      hasRealPods: false,
      notes: [`no container runtime was found, so no pod can run: ${error.message}. ${ADVICE}`],
      runtimeFor: dockerRuntimes(context),
    };
  } finally {
    docker.close();
  }
}

const ADVICE =
  'Install it (Debian: apt-get install docker.io) and start it; the node becomes ready by itself. To simulate pods instead: nestor up --runtime fake.';

function fake({ clock, random }: RuntimeContext): RuntimeChoice {
  return {
    name: 'fake',
    isAvailable: true,
    hasRealPods: false,
    notes: ['pods are simulated: nothing runs in them'],
    runtimeFor: () => createFakeRuntime({ clock, random }),
  };
}

function dockerRuntimes({
  identity,
  plan,
  pods,
  clock,
  random,
  logger,
}: RuntimeContext): (node: string) => DockerRuntime {
  const { clusterCidr, gateway } = plan;
  const network = { cluster: identity.name, clusterCidr, gateway, ...pods };
  return (node) => createDockerRuntime({ ...network, node, clock, random, logger });
}
