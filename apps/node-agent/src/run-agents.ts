import { join } from 'node:path';
import { nthAddress, type OverlayBackend } from '#network';
import {
  type ComponentDependencies,
  hostAddresses,
  type ProcessContext,
  SettingsError,
  users,
  withHostMutex,
} from '#process';
import {
  type ContainerRuntime,
  createDockerRuntime,
  createFakeRuntime,
  createNativeRuntime,
  type GarbagePolicy,
} from '#runtime';
import { type NodeAgentConfig } from './config';
import { type NodeAgentDependencies } from './dependencies';
import { createOverlay } from './overlay/overlay';
import { createOverlayHost } from './overlay/overlay-host';
import { podNetworkOptions } from './overlay/pod-network';
import { createHostNetwork, createServiceProxy, type ServiceProxy, whyNoHostNetwork } from './service-proxy';
import { type JoinedCluster } from './join-cluster';
import { machineName, type settings } from './settings';

type Process = ProcessContext<typeof settings>;

interface HostNetworking {
  readonly proxy?: ServiceProxy;
  /** What the container engine should know of the pods' network. */
  readonly pods: Awaited<ReturnType<typeof podNetworkOptions>>;
}

/** The agents of this process's nodes, each as `start` starts it, and one service proxy and overlay for all of them. */
export async function runAgents(
  process: Process,
  dependencies: ComponentDependencies,
  server: JoinedCluster['server'],
  start: (
    config: NodeAgentConfig,
    dependencies: NodeAgentDependencies,
  ) => Promise<{ name: string; stop(): Promise<void> }>,
): Promise<void> {
  const { settings } = process;
  const hasRealPods = settings.RUNTIME !== 'fake';
  const { LISTEN_ADDRESS: listen } = settings;
  const names = nodeNames(settings.NODE_NAME ?? machineName(), settings.NODES);
  if (names.length > 1 && listen.port !== 0) {
    throw new SettingsError([
      'LISTEN_ADDRESS must have port 0 where NODES is more than 1: each node has a port of its own.',
    ]);
  }
  const imageGarbage = garbagePolicyOf(settings);
  const nodeIp = settings.NODE_IP ?? hostAddresses()[0] ?? '127.0.0.1';
  // The network first: it stops last, so that pods that are going are taken out of the proxy.
  const network = hasRealPods ? await startNetwork(process, dependencies, names, nodeIp) : undefined;
  const proxy = network?.proxy;
  for (const nodeName of names) {
    const config: NodeAgentConfig = {
      nodeName,
      dataDir: settings.DATA_DIR,
      nodeIp,
      clusterDns: settings.CLUSTER_DNS,
      clusterDomain: settings.CLUSTER_DOMAIN,
      usesHostFilesystem: hasRealPods,
      reachesPods: hasRealPods,
      imageGarbage,
      server: { ...server, host: listen.host, port: listen.port },
    };
    process.add(
      await start(config, {
        ...dependencies.as(users.node(nodeName), 'kubelet'),
        runtime: runtimeFor(process, nodeName, network?.pods),
        ...(proxy === undefined ? {} : { beforeSigterm: (pod) => proxy.beforeSigterm(pod) }),
      }),
    );
  }
}

function garbagePolicyOf({
  IMAGE_GC_HIGH_THRESHOLD: highThresholdPercent,
  IMAGE_GC_LOW_THRESHOLD: lowThresholdPercent,
  MINIMUM_IMAGE_TTL_DURATION: minimumAgeMs,
}: Process['settings']): GarbagePolicy {
  if (lowThresholdPercent < 0 || highThresholdPercent > 100 || lowThresholdPercent >= highThresholdPercent) {
    throw new SettingsError([
      'IMAGE_GC_HIGH_THRESHOLD must be at most 100, and IMAGE_GC_LOW_THRESHOLD less than it, and not less than 0.',
    ]);
  }
  return { highThresholdPercent, lowThresholdPercent, minimumAgeMs };
}

function nodeNames(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? first : `${first}-${i}`));
}

function runtimeFor(
  { settings, clock, random, logger }: Process,
  node: string,
  pods: HostNetworking['pods'] = {},
): ContainerRuntime {
  if (settings.RUNTIME === 'fake') return createFakeRuntime({ clock, random });
  const { CLUSTER_NAME: cluster, CLUSTER_CIDR: clusterCidr } = settings;
  const gateway = nthAddress(clusterCidr, 1);
  const options = { cluster, clusterCidr, gateway, ...pods, node, clock, random, logger };
  if (settings.RUNTIME === 'docker') return createDockerRuntime(options);
  const images = { directory: join(settings.DATA_DIR, 'images'), mutex: withHostMutex };
  return createNativeRuntime({ ...options, directory: join(settings.DATA_DIR, 'native', node), images });
}

/** What pods of this host need to reach Services, other hosts and the world, as far as this process may provide it. */
async function startNetwork(
  process: Process,
  dependencies: ComponentDependencies,
  nodeNames: readonly string[],
  localIp: string,
): Promise<HostNetworking> {
  const { settings, logger } = process;
  const obstacle = await whyNoHostNetwork();
  const mayFilter = obstacle === undefined;
  if (settings.SERVICE_PROXY && !mayFilter) logger.warn({ obstacle }, 'Services are reachable on 127.0.0.1 only');
  const proxy = settings.SERVICE_PROXY ? await startProxy(process, dependencies, nodeNames, mayFilter) : undefined;
  const backend = settings.OVERLAY !== 'none' && mayFilter ? settings.OVERLAY : undefined;
  if (backend !== undefined) await startOverlay(process, dependencies, nodeNames, localIp, backend);
  const proxyMasquerades = settings.SERVICE_PROXY && mayFilter;
  if (backend !== undefined && !proxyMasquerades) {
    logger.warn('without the service proxy the container engine masquerades: pods of other machines see this one');
  }
  const facts = { proxyMasquerades, localIp, ...(backend === undefined ? {} : { backend }) };
  return { pods: await podNetworkOptions(facts), ...(proxy === undefined ? {} : { proxy }) };
}

async function startProxy(
  process: Process,
  dependencies: ComponentDependencies,
  nodeNames: readonly string[],
  mayFilter: boolean,
): Promise<ServiceProxy> {
  const { settings, logger } = process;
  const { CLUSTER_NAME: cluster, CLUSTER_CIDR: clusterCidr, SERVICE_CIDR: serviceCidr } = settings;
  const gateway = nthAddress(clusterCidr, 1);
  const network = mayFilter ? createHostNetwork({ cluster, clusterCidr, serviceCidr, logger }) : undefined;
  return process.add(
    await createServiceProxy(
      { cluster, clusterCidr, serviceCidr, gateway, nodeNames },
      {
        ...dependencies.as(users.node(nodeNames[0] ?? machineName()), 'kube-proxy'),
        ...(network === undefined ? {} : { network }),
      },
    ),
  );
}

async function startOverlay(
  process: Process,
  dependencies: ComponentDependencies,
  nodeNames: readonly string[],
  localIp: string,
  backend: OverlayBackend,
): Promise<void> {
  const { settings, logger } = process;
  const { CLUSTER_NAME: cluster, CLUSTER_CIDR: clusterCidr } = settings;
  process.add(
    await createOverlay(
      { backend, cluster, clusterCidr, localIp, localNodes: new Set(nodeNames) },
      {
        ...dependencies.as(users.node(nodeNames[0] ?? machineName()), 'kube-proxy'),
        host: createOverlayHost({ cluster, clusterCidr, localIp, logger }),
      },
    ),
  );
}
