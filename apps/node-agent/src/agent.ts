import fs from 'node:fs/promises';
import path from 'node:path';
import { type Node, resources } from '#api';
import { type Informer } from '#controller';
import { type RunningComponent } from '#telemetry';
import { type DeepReadonly, delay, parseQuantity, wholeValue } from '#machinery';
import { defaultGarbagePolicy } from '#runtime';
import { type NodeAgentConfig } from './config';
import { ObjectReader } from './containers/object-reader';
import { PodFilesystem } from './containers/pod-filesystem';
import { type NodeAgentDependencies } from './dependencies';
import { ImageCollector } from './images/image-collector';
import { ImageManager } from './images/image-manager';
import { measureHost } from './node/node-info';
import { NodeReporter } from './node/node-reporter';
import { nodeAllocatable, nodeCapacity, nodeLabels } from './node/node-status';
import { BackOff } from './pods/back-off';
import { type PodObject, podText } from './pods/pod-containers';
import { ProbeManager } from './probes/probe-manager';
import { type AgentServer, startServer } from './server/server';
import { MemoryBacking } from './volumes/memory-backing';
import { VolumeManager } from './volumes/volume-manager';
import { admitPod } from './worker/admission';
import { PodAddressPool } from './worker/pod-addresses';
import { PodManager } from './worker/pod-manager';
import { StatusWriter } from './worker/status-writer';
import { type WorkerContext } from './worker/worker-context';

export interface RunningNodeAgent extends RunningComponent {
  /** Where logs and exec are served; 0: nowhere. */
  readonly port: number;
}

const defaults = { clusterDomain: 'cluster.local', maxPods: 110, volumeRefreshMs: 15_000, beforeSigtermMs: 1000 };
/** As the kubelet: what crashes waits 10 s, then twice as long, at most 5 minutes. */
const backOff = { initialMs: 10_000, maxMs: 300_000 };

/** Builds the parts of a node agent and starts them; see README.md. */
export async function startNodeAgent(given: NodeAgentConfig, deps: NodeAgentDependencies): Promise<RunningNodeAgent> {
  const config = { ...defaults, ...given };
  const { client, clock, random, runtime, informers } = deps;
  const logger = deps.logger.child({ node: config.nodeName });
  const usesHost = config.usesHostFilesystem !== false;
  const podsDirectory = path.join(config.dataDir, 'nodes', config.nodeName, 'pods');
  if (usesHost) await fs.mkdir(podsDirectory, { recursive: true, mode: 0o750 });
  const host = await measureHost(usesHost ? config.dataDir : undefined);
  const capacity = nodeCapacity(config, host);
  const allocatable = nodeAllocatable(config, capacity);
  const memoryCapacity = Number(wholeValue(parseQuantity(capacity.memory ?? '0')));
  const recorder = deps.recorder('kubelet');

  const objects = new ObjectReader(client, clock, config.volumeRefreshMs / 2);
  const addresses = new PodAddressPool();
  const statuses = new StatusWriter({ client, clock, random, logger });
  const probes = new ProbeManager({ runtime, clock, random, reachesPods: config.reachesPods !== false });
  const services = informers.informer(resources.services);
  const filesystem = usesHost
    ? new PodFilesystem({
        volumes: new VolumeManager(podsDirectory, {
          client,
          objects,
          clock,
          allocatable: () => allocatable,
          memory: new MemoryBacking(logger),
        }),
        dns: { clusterDns: config.clusterDns, clusterDomain: config.clusterDomain },
        logger,
      })
    : undefined;

  const nodes = informers.informer(resources.nodes);
  const nodeKey = { namespace: '', name: config.nodeName };
  let refreshed: DeepReadonly<Node> | undefined;
  const labels = (): Readonly<Record<string, string>> =>
    newest(nodes.lister.get('', config.nodeName), refreshed)?.metadata?.labels ?? nodeLabels(config);

  const context: WorkerContext = {
    client,
    runtime,
    clock,
    random,
    logger,
    recorder,
    node: { hostIp: config.nodeIp, runtimeName: await runtimeName(deps) },
    clusterDomain: config.clusterDomain,
    seccompRoot: path.join(config.dataDir, 'seccomp'),
    ...(config.cgroupParent === undefined ? {} : { cgroupParent: config.cgroupParent }),
    ...(filesystem === undefined ? {} : { filesystem }),
    images: new ImageManager(runtime, clock, new BackOff(backOff.initialMs, backOff.maxMs)),
    probes,
    addresses,
    statuses,
    restarts: new BackOff(backOff.initialMs, backOff.maxMs),
    objects,
    services: (namespace) => services.lister.list(namespace),
    allocatable: () => allocatable,
    memoryCapacity: () => memoryCapacity,
    admit: (pod) =>
      refusePrivileged(pod, config) ??
      admitPod(pod, { allocatable, maxPods: config.maxPods, labels: labels(), pods: manager.admittedPods() }),
    refreshNode: async () => {
      refreshed = await client.get(resources.nodes, nodeKey);
    },
    drain: (pod) => drain(pod, deps, config.beforeSigtermMs),
  };
  const manager: PodManager = new PodManager({
    nodeName: config.nodeName,
    informers,
    context,
    volumeRefreshMs: config.volumeRefreshMs,
  });

  const server: AgentServer | undefined =
    config.server === undefined
      ? undefined
      : await startServer(config.server, {
          nodeName: config.nodeName,
          runtime,
          manager,
          logger,
          clock,
          metrics: deps.metrics,
        });
  const removeHandler = followPodCidr(nodes, config.nodeName, addresses, manager, logger);
  const port = server?.port ?? config.announcedPort ?? 0;
  const nodeEvent = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    recorder.event(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: config.nodeName, uid: config.nodeName } },
      type,
      reason,
      message,
    );
  const reporter = new NodeReporter({
    config,
    dependencies: { client, clock, random, logger, runtime },
    host,
    port,
    latest: (than) => newest(than, nodes.lister.get('', config.nodeName)) ?? than,
    event: nodeEvent,
  });
  const policy = { ...defaultGarbagePolicy, ...config.imageGarbage };
  const collector = new ImageCollector({ runtime, policy, clock, logger, event: nodeEvent });
  await reporter.start();
  collector.start();
  manager.start();

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    removeHandler();
    await server?.stop();
    await manager.stop();
    await collector.stop();
    await reporter.stop();
    probes.stop();
    statuses.stop();
    await runtime.close();
  };
  return { name: `node-agent ${config.nodeName}`, port, stop: () => (stopped ??= stop()) };
}

/** Of two readings of one object the later; resource versions are the store's revisions. */
function newest(a: DeepReadonly<Node> | undefined, b: DeepReadonly<Node> | undefined): DeepReadonly<Node> | undefined {
  const revision = (node: DeepReadonly<Node> | undefined): number => Number(node?.metadata?.resourceVersion ?? -1);
  return revision(b) > revision(a) ? b : a;
}

/** Pods wait for the node's address range. */
function followPodCidr(
  nodes: Informer<Node>,
  nodeName: string,
  addresses: PodAddressPool,
  manager: PodManager,
  logger: NodeAgentDependencies['logger'],
): () => void {
  const look = (node: { metadata?: { name?: string }; spec?: { podCIDR?: string } }): void => {
    const cidr = node.spec?.podCIDR;
    if (node.metadata?.name !== nodeName || cidr === undefined || cidr === '' || addresses.isReady) return;
    try {
      addresses.configure(cidr);
    } catch (error) {
      logger.error({ err: error, cidr }, 'the podCIDR of the node cannot be used');
      return;
    }
    manager.wakeAll();
  };
  return nodes.addHandler({ onAdd: look, onUpdate: look });
}

/** The prefix of container ids. A runtime that does not answer yet is asked for nothing else either: its name is corrected at the next start. */
async function runtimeName({ runtime, logger }: NodeAgentDependencies): Promise<string> {
  try {
    return (await runtime.info()).name;
  } catch (error) {
    logger.warn({ err: error }, 'the runtime does not answer');
    return 'docker';
  }
}

function refusePrivileged(pod: PodObject, config: NodeAgentConfig): { reason: string; message: string } | undefined {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const isPrivileged = containers.some(({ securityContext }) => securityContext?.privileged === true);
  if (config.allowPrivileged !== false || !isPrivileged) return undefined;
  return { reason: 'Forbidden', message: 'Pod was rejected: privileged containers are disallowed on this node' };
}

/** Bounded, and never a reason not to stop a pod. */
async function drain(pod: PodObject, deps: NodeAgentDependencies, limitMs: number): Promise<void> {
  const { clock, logger } = deps;
  if (deps.beforeSigterm === undefined) return;
  const done = new AbortController();
  const drained = deps.beforeSigterm(pod).catch((error: unknown) => {
    logger.warn({ err: error, pod: podText(pod) }, 'the service proxy did not let go of the pod');
  });
  const limit = delay(clock, limitMs, done.signal).catch(() => undefined);
  await Promise.race([drained, limit]);
  done.abort(new Error('drained'));
}
