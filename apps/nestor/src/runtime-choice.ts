import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock } from '#machinery';
import { withHostMutex } from '#process';
import {
  connectToDocker,
  type ContainerRuntime,
  createDockerRuntime,
  createFakeRuntime,
  createNativeRuntime,
  type DockerRuntime,
  type NativeRuntime,
  type PodNetworkConfig,
  type RootlessNetwork,
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
  /** Where the cluster lives. */
  readonly root: string;
  readonly plan: NetworkPlan;
  readonly pods: Pick<PodNetworkConfig, 'isMasqueraded' | 'mtu'>;
  /** Present: this process is in an ordinary user's namespace. */
  readonly rootless?: RootlessNetwork | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly progress: (activity: string) => void;
}

export type WantedRuntime = 'auto' | 'docker' | 'native' | 'fake';

/**
 * Finds what was asked for. `auto` goes on with what the cluster was begun on; a new one takes Docker, and without one containers of our own. Without
 * either the control plane runs all the same, and the node says why it is not ready. Asking by name for what is not there is an error.
 */
export async function chooseRuntime(wanted: WantedRuntime, context: RuntimeContext): Promise<RuntimeChoice> {
  if (wanted === 'fake') return fake(context);
  const isRootless = context.rootless !== undefined;
  const candidates = wanted !== 'auto' ? [wanted] : isRootless ? (['native'] as const) : candidatesOf(context.root);
  const problems: string[] = [];
  for (const name of candidates) {
    try {
      const choice = await (name === 'docker' ? docker(context) : native(context));
      const notes = problems.map((problem) => `containers run without an engine, as there is no Docker: ${problem}`);
      return { ...choice, notes };
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'unavailable') throw error;
      problems.push(error.message);
    }
  }
  const problem = problems.join('; without an engine: ');
  if (wanted === 'docker') throw new UserError(`Docker does not answer (${problem}). ${ADVICE}`);
  if (wanted === 'native') throw new UserError(`Containers cannot run without an engine: ${problem}. ${NATIVE_ADVICE}`);
  const runtimeFor = candidates[0] === 'docker' ? dockerRuntimes(context) : nativeRuntimes(context);
  const notes = [`no container runtime was found, so no pod can run: ${problem}. ${ADVICE}`];
  return { name: 'none', isAvailable: false, hasRealPods: false, notes, runtimeFor };
}

/** Pods that run on one are not to be started again on the other because the first is away for a while. */
export function candidatesOf(root: string): readonly ('docker' | 'native')[] {
  if (existsSync(join(root, 'native'))) return ['native'];
  return existsSync(join(root, 'nodes')) ? ['docker'] : ['docker', 'native'];
}

const ADVICE =
  'Install it (Debian: apt-get install docker.io) and start it; the node becomes ready by itself. To simulate pods instead: nestor up --runtime fake.';
const NATIVE_ADVICE =
  'It takes Linux 5.6, and perl, nsenter and mount, which Debian has always; without root Linux 5.11 and user namespaces.';

async function docker(context: RuntimeContext): Promise<RuntimeChoice> {
  const connection = connectToDocker();
  try {
    const version = await connection.version();
    await connection.ensureLocalImages(context.progress);
    const runtimes = dockerRuntimes(context);
    const first = runtimes('');
    try {
      await first.ensureNetwork();
    } finally {
      await first.close();
    }
    return { name: `docker ${version}`, isAvailable: true, hasRealPods: true, notes: [], runtimeFor: runtimes };
  } finally {
    connection.close();
  }
}

async function native(context: RuntimeContext): Promise<RuntimeChoice> {
  const runtimes = nativeRuntimes(context);
  const first = runtimes('setup');
  try {
    await first.ensureNetwork();
    await first.ensureLocalImages(context.progress);
    const program = await first.program();
    const name = context.rootless === undefined ? 'native' : 'native without root';
    return { name: `${name} (${program})`, isAvailable: true, hasRealPods: true, notes: [], runtimeFor: runtimes };
  } finally {
    await first.close();
  }
}

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

/** Images are the cluster's, and `nestor image`'s; the rest is each node's own. */
function nativeRuntimes({
  identity,
  root,
  plan,
  pods,
  rootless,
  clock,
  random,
  logger,
}: RuntimeContext): (node: string) => NativeRuntime {
  const { clusterCidr, gateway } = plan;
  const network = { cluster: identity.name, clusterCidr, gateway, ...pods };
  const images = { directory: join(root, 'images'), mutex: withHostMutex };
  const joined = rootless === undefined ? {} : { rootless };
  return (node) =>
    createNativeRuntime({
      ...network,
      ...joined,
      directory: join(root, 'native', node),
      images,
      node,
      clock,
      random,
      logger,
    });
}
