import { nthAddress } from '#network';
import { type ComponentDependencies, hostAddresses, type ProcessContext, SettingsError, users } from '#process';
import { type ContainerRuntime, createDockerRuntime, createFakeRuntime } from '#runtime';
import { type NodeAgentConfig } from './config';
import { type NodeAgentDependencies } from './dependencies';
import { createHostNetwork, createServiceProxy, type ServiceProxy, whyNoHostNetwork } from './service-proxy';
import { type JoinedCluster } from './join-cluster';
import { machineName, type settings } from './settings';

type Process = ProcessContext<typeof settings>;

/** The agents of this process's nodes, each as `start` starts it, and one service proxy for all of them. */
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
  const hasRealPods = settings.RUNTIME === 'docker';
  const { LISTEN_ADDRESS: listen } = settings;
  const names = nodeNames(settings.NODE_NAME ?? machineName(), settings.NODES);
  if (names.length > 1 && listen.port !== 0) {
    throw new SettingsError([
      'LISTEN_ADDRESS must have port 0 where NODES is more than 1: each node has a port of its own.',
    ]);
  }
  // The proxy first: it stops last, so that pods that are going are taken out of it.
  const proxy = hasRealPods && settings.SERVICE_PROXY ? await startProxy(process, dependencies, names) : undefined;
  for (const nodeName of names) {
    const config: NodeAgentConfig = {
      nodeName,
      dataDir: settings.DATA_DIR,
      nodeIp: settings.NODE_IP ?? hostAddresses()[0] ?? '127.0.0.1',
      clusterDns: settings.CLUSTER_DNS,
      clusterDomain: settings.CLUSTER_DOMAIN,
      usesHostFilesystem: hasRealPods,
      reachesPods: hasRealPods,
      server: { ...server, host: listen.host, port: listen.port },
    };
    process.add(
      await start(config, {
        ...dependencies.as(users.node(nodeName), 'kubelet'),
        runtime: runtimeFor(process, nodeName),
        ...(proxy === undefined ? {} : { beforeSigterm: (pod) => proxy.beforeSigterm(pod) }),
      }),
    );
  }
}

function nodeNames(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? first : `${first}-${i}`));
}

function runtimeFor({ settings, clock, random, logger }: Process, node: string): ContainerRuntime {
  if (settings.RUNTIME === 'fake') return createFakeRuntime({ clock, random });
  const { CLUSTER_NAME: cluster, CLUSTER_CIDR: clusterCidr } = settings;
  const gateway = nthAddress(clusterCidr, 1);
  return createDockerRuntime({ cluster, clusterCidr, gateway, node, clock, random, logger });
}

async function startProxy(
  process: Process,
  dependencies: ComponentDependencies,
  nodeNames: readonly string[],
): Promise<ServiceProxy> {
  const { settings, logger } = process;
  const { CLUSTER_NAME: cluster, CLUSTER_CIDR: clusterCidr, SERVICE_CIDR: serviceCidr } = settings;
  const obstacle = await whyNoHostNetwork();
  if (obstacle !== undefined) logger.warn({ obstacle }, 'Services are reachable on 127.0.0.1 only');
  const network = obstacle === undefined ? createHostNetwork({ cluster, clusterCidr, serviceCidr, logger }) : undefined;
  return process.add(
    await createServiceProxy(
      { cluster, clusterCidr, serviceCidr, nodeNames },
      {
        ...dependencies.as(users.node(nodeNames[0] ?? machineName()), 'kube-proxy'),
        ...(network === undefined ? {} : { network }),
      },
    ),
  );
}
