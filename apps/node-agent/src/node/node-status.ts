import { type ContainerImage, type Node, type NodeCondition, type NodeStatus } from '#api';
import { type DeepReadonly, formatTime, parseQuantity, subtractQuantities, formatQuantity } from '#machinery';
import { type ImageStatus, type RuntimeInfo } from '#runtime';
import { type NodeAgentConfig } from '../config';
import { goArchitecture, type HostInfo } from './node-info';

/** The release whose kubelet this agent behaves like. */
export const kubeletVersion = 'v1.36.2';

const evictionReserve = 100 * 2 ** 20;
const maxImages = 50;

export interface RuntimeHealth {
  readonly info?: RuntimeInfo;
  /** Why the runtime cannot be used. */
  readonly error?: string;
}

export function nodeLabels(config: NodeAgentConfig): Record<string, string> {
  const arch = goArchitecture();
  return {
    'beta.kubernetes.io/arch': arch,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': arch,
    'kubernetes.io/hostname': config.nodeName,
    'kubernetes.io/os': 'linux',
    ...config.labels,
  };
}

export function nodeCapacity(config: NodeAgentConfig, host: HostInfo): Record<string, string> {
  return {
    cpu: String(host.cpus),
    'ephemeral-storage': `${Math.floor(host.storageBytes / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor(host.memoryBytes / 1024)}Ki`,
    pods: String(config.maxPods ?? 110),
    ...config.capacity,
  };
}

/** Capacity less what is reserved, less what is kept free so that the node never runs quite full. */
export function nodeAllocatable(
  config: NodeAgentConfig,
  capacity: Readonly<Record<string, string>>,
): Record<string, string> {
  const allocatable = { ...capacity };
  const reserve = (name: string, amount: string): void => {
    const left = subtractQuantities(parseQuantity(allocatable[name] ?? '0'), parseQuantity(amount));
    allocatable[name] = left.nanos > 0n ? formatQuantity(left) : '0';
  };
  for (const [name, amount] of Object.entries(config.reserved ?? {})) reserve(name, amount);
  if (config.capacity?.memory === undefined) reserve('memory', String(evictionReserve));
  if (config.capacity?.['ephemeral-storage'] === undefined) {
    const { nanos } = parseQuantity(allocatable['ephemeral-storage'] ?? '0');
    allocatable['ephemeral-storage'] = String((nanos * 9n) / 10n / 1_000_000_000n);
  }
  return allocatable;
}

interface Facts {
  readonly config: NodeAgentConfig;
  readonly host: HostInfo;
  readonly health: RuntimeHealth;
  readonly images: readonly ImageStatus[];
  /** Where logs and exec are served; 0: nowhere. */
  readonly port: number;
  readonly now: number;
  readonly previous: DeepReadonly<Node> | undefined;
}

export function computeNodeStatus(facts: Facts): NodeStatus {
  const { config, host, health, images, port, now, previous } = facts;
  const capacity = nodeCapacity(config, host);
  return {
    addresses: [
      { type: 'InternalIP', address: config.nodeIp },
      { type: 'Hostname', address: config.nodeName },
    ],
    capacity,
    allocatable: nodeAllocatable(config, capacity),
    conditions: nodeConditions(health, previous?.status?.conditions ?? [], now),
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    images: imageList(images),
    nodeInfo: {
      architecture: goArchitecture(),
      bootID: host.bootId,
      containerRuntimeVersion: runtimeVersion(health, previous),
      kernelVersion: health.info?.kernelVersion ?? previous?.status?.nodeInfo?.kernelVersion ?? '',
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: host.machineId,
      operatingSystem: 'linux',
      osImage: health.info?.operatingSystem ?? host.osImage,
      systemUUID: host.systemUuid,
    },
  };
}

function runtimeVersion({ info }: RuntimeHealth, previous: DeepReadonly<Node> | undefined): string {
  return info === undefined
    ? (previous?.status?.nodeInfo?.containerRuntimeVersion ?? 'unknown://Unknown')
    : `${info.name}://${info.version}`;
}

/** Reasons and messages are the kubelet's. */
export function nodeConditions(
  { error, info }: RuntimeHealth,
  previous: readonly DeepReadonly<NodeCondition>[],
  now: number,
): NodeCondition[] {
  const ready =
    error === undefined
      ? { status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { status: 'False', reason: 'KubeletNotReady', message: `container runtime is down: ${error}` };
  const verdicts = {
    MemoryPressure: {
      status: 'False',
      reason: 'KubeletHasSufficientMemory',
      message: 'kubelet has sufficient memory available',
    },
    DiskPressure: { status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    PIDPressure: {
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
    },
    ...Object.fromEntries(
      (info?.limits ?? []).map(({ type, isThere, reason, message }) => [
        type,
        { status: isThere ? 'True' : 'False', reason, message },
      ]),
    ),
    Ready: ready,
  };
  return Object.entries(verdicts).map(([type, verdict]) => {
    const before = previous.find((condition) => condition.type === type);
    const since = before?.status === verdict.status ? before.lastTransitionTime : undefined;
    return { type, ...verdict, lastHeartbeatTime: formatTime(now), lastTransitionTime: since ?? formatTime(now) };
  });
}

/** The largest images, for the scheduler's image locality. */
function imageList(images: readonly ImageStatus[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, maxImages)
    .map(({ tags, digests, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes }))
    .filter(({ names }) => names.length > 0);
}
