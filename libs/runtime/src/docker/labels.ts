import { type ContainerConfig, type PodIdentity, type SandboxConfig } from '../container-runtime';

/** Whose a container is: several clusters and several nodes may share one engine. */
export interface Owner {
  readonly cluster: string;
  readonly node: string;
}

type Labels = Readonly<Record<string, string>>;

/** The dockershim's labels. */
export const keys = {
  type: 'io.kubernetes.docker.type',
  sandboxId: 'io.kubernetes.sandbox.id',
  containerName: 'io.kubernetes.container.name',
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  cluster: 'nestor.dev/cluster',
  node: 'nestor.dev/node',
  sandboxAttempt: 'nestor.dev/sandbox-attempt',
  attempt: 'nestor.dev/attempt',
} as const;

const annotationPrefix = 'annotation.';
const own = new Set<string>([keys.type, keys.sandboxId, keys.cluster, keys.node, keys.sandboxAttempt, keys.attempt]);

const maxName = 200;

/** `k8s_POD_<pod>_<namespace>_<uid>_<attempt>`: docker's filters and people find pods by it. */
export function sandboxName(pod: PodIdentity): string {
  return nameOf('POD', pod, pod.attempt);
}

export function containerName(pod: PodIdentity, container: Pick<ContainerConfig, 'name' | 'attempt'>): string {
  return nameOf(container.name, pod, container.attempt);
}

function nameOf(container: string, { name, namespace, uid }: PodIdentity, attempt: number): string {
  // A pod's name may have 253 characters. The uid alone makes it unique.
  return `k8s_${container}_${name.slice(0, maxName)}_${namespace}_${uid}_${attempt}`;
}

export function sandboxLabels({ pod, labels, annotations }: SandboxConfig, owner: Owner): Labels {
  return {
    ...labels,
    ...withPrefix(annotations),
    ...identityLabels(pod, owner),
    [keys.type]: 'podsandbox',
    [keys.containerName]: 'POD',
  };
}

export function containerLabels(pod: PodIdentity, sandboxId: string, config: ContainerConfig, owner: Owner): Labels {
  return {
    ...config.labels,
    ...withPrefix(config.annotations),
    ...identityLabels(pod, owner),
    [keys.type]: 'container',
    [keys.containerName]: config.name,
    [keys.sandboxId]: sandboxId,
    [keys.attempt]: String(config.attempt),
  };
}

function identityLabels(pod: PodIdentity, { cluster, node }: Owner): Labels {
  return {
    [keys.podName]: pod.name,
    [keys.podNamespace]: pod.namespace,
    [keys.podUid]: pod.uid,
    [keys.sandboxAttempt]: String(pod.attempt),
    [keys.cluster]: cluster,
    [keys.node]: node,
  };
}

export function podOf(labels: Labels): PodIdentity {
  return {
    namespace: labels[keys.podNamespace] ?? '',
    name: labels[keys.podName] ?? '',
    uid: labels[keys.podUid] ?? '',
    attempt: Number(labels[keys.sandboxAttempt] ?? 0),
  };
}

/** What the agent gave: labels and annotations, without those that are only the runtime's. */
export function givenLabels(all: Labels): { readonly labels: Labels; readonly annotations: Labels } {
  const labels: Record<string, string> = {};
  const annotations: Record<string, string> = {};
  const isSandbox = all[keys.type] === 'podsandbox';
  for (const [key, value] of Object.entries(all)) {
    if (key.startsWith(annotationPrefix)) annotations[key.slice(annotationPrefix.length)] = value;
    else if (!own.has(key) && !(isSandbox && key === keys.containerName)) labels[key] = value;
  }
  return { labels, annotations };
}

function withPrefix(annotations: Labels): Labels {
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${annotationPrefix}${key}`, value]));
}
