import { type Deployment, type Node, type Pod, type ReplicaSet, type Service } from '#api';
import { type DeepReadonly, type KubernetesObject, type ObjectMeta } from '#machinery';

/** Something that makes an object: builders, wherever a test gives objects to a fake. */
export interface Buildable<T extends KubernetesObject = KubernetesObject> {
  build(): T;
}

/** Metadata that every kind has. Methods change the builder and return it. */
export class ObjectBuilder<T extends KubernetesObject> implements Buildable<T> {
  constructor(protected readonly object: T) {}

  /** A copy: later calls do not change it. */
  build(): T {
    return structuredClone(this.object);
  }

  in(namespace: string): this {
    return this.meta({ namespace });
  }

  uid(uid: string): this {
    return this.meta({ uid });
  }

  labels(labels: Record<string, string>): this {
    return this.meta({ labels: { ...this.object.metadata?.labels, ...labels } });
  }

  annotations(annotations: Record<string, string>): this {
    return this.meta({ annotations: { ...this.object.metadata?.annotations, ...annotations } });
  }

  finalizers(...finalizers: string[]): this {
    return this.meta({ finalizers });
  }

  /** RFC 3339. */
  created(creationTimestamp: string): this {
    return this.meta({ creationTimestamp });
  }

  terminating(deletionTimestamp = '2026-01-01T00:00:00Z'): this {
    return this.meta({ deletionTimestamp });
  }

  /** Adds the controller reference that `owner` would give. */
  ownedBy(owner: DeepReadonly<KubernetesObject> | Buildable): this {
    const { apiVersion = '', kind = '', metadata } = 'build' in owner ? owner.build() : owner;
    const { name = '', uid = '' } = metadata ?? {};
    const reference = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
    return this.meta({ ownerReferences: [...(this.object.metadata?.ownerReferences ?? []), reference] });
  }

  /** Anything else, in place. */
  with(change: (object: T) => void): this {
    change(this.object);
    return this;
  }

  protected meta(change: Partial<ObjectMeta>): this {
    this.object.metadata = { ...this.object.metadata, ...change };
    return this;
  }
}

export class PodBuilder extends ObjectBuilder<Pod> {
  on(nodeName: string): this {
    return this.with((pod) => (pod.spec!.nodeName = nodeName));
  }

  phase(phase: string): this {
    return this.status({ phase });
  }

  /** Running, with the condition Ready since the given time. */
  ready(since = '2026-01-01T00:00:00Z'): this {
    return this.phase('Running').condition('Ready', 'True', since);
  }

  notReady(since = '2026-01-01T00:00:00Z'): this {
    return this.phase('Running').condition('Ready', 'False', since);
  }

  condition(type: string, status: string, lastTransitionTime = '2026-01-01T00:00:00Z'): this {
    const others = (this.object.status?.conditions ?? []).filter((condition) => condition.type !== type);
    return this.status({ conditions: [...others, { type, status, lastTransitionTime }] });
  }

  ip(podIP: string): this {
    return this.status({ podIP, podIPs: [{ ip: podIP }] });
  }

  restarts(restartCount: number): this {
    const [container] = this.object.spec!.containers;
    const { name = 'main', image = 'image' } = container ?? {};
    return this.status({ containerStatuses: [{ name, image, imageID: '', ready: true, restartCount }] });
  }

  /** Requests of the first container. */
  requests(requests: Record<string, string>): this {
    return this.with((pod) => {
      const container = pod.spec!.containers[0]!;
      container.resources = { ...container.resources, requests };
    });
  }

  private status(change: Partial<NonNullable<Pod['status']>>): this {
    this.object.status = { ...this.object.status, ...change };
    return this;
  }
}

export class NodeBuilder extends ObjectBuilder<Node> {
  capacity(capacity: Record<string, string>): this {
    return this.with((node) => (node.status = { ...node.status, capacity, allocatable: capacity }));
  }

  condition(type: string, status: string, lastTransitionTime = '2026-01-01T00:00:00Z'): this {
    return this.with((node) => {
      const others = (node.status?.conditions ?? []).filter((condition) => condition.type !== type);
      node.status = { ...node.status, conditions: [...others, { type, status, lastTransitionTime }] };
    });
  }

  ready(): this {
    return this.condition('Ready', 'True');
  }

  taint(key: string, effect: string, value?: string): this {
    return this.with(
      (node) => (node.spec = { ...node.spec, taints: [...(node.spec?.taints ?? []), { key, effect, value }] }),
    );
  }

  unschedulable(): this {
    return this.with((node) => (node.spec = { ...node.spec, unschedulable: true }));
  }

  address(address: string, type = 'InternalIP'): this {
    return this.with((node) => {
      node.status = { ...node.status, addresses: [...(node.status?.addresses ?? []), { type, address }] };
    });
  }
}

/** A workload with `replicas`, a selector and a pod template. */
export class WorkloadBuilder<T extends Deployment | ReplicaSet> extends ObjectBuilder<T> {
  replicas(replicas: number): this {
    return this.with((workload) => (workload.spec!.replicas = replicas));
  }

  image(image: string): this {
    return this.with((workload) => (workload.spec!.template!.spec!.containers[0]!.image = image));
  }
}

/** A pending pod in `default` with one container. */
export function pod(name: string): PodBuilder {
  return new PodBuilder({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [{ name: 'main', image: 'image' }] },
    status: { phase: 'Pending' },
  });
}

/** A node with room for 110 pods, 4 CPUs and 8 GiB. */
export function node(name: string): NodeBuilder {
  const labels = { 'kubernetes.io/hostname': name };
  return new NodeBuilder({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} }).capacity({
    cpu: '4',
    memory: '8Gi',
    pods: '110',
    'ephemeral-storage': '100Gi',
  });
}

const template = (app: string) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image: 'image' }] },
});

/** One replica, selected by `app=<name>`. */
export function replicaSet(name: string): WorkloadBuilder<ReplicaSet> {
  return new WorkloadBuilder<ReplicaSet>({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default', generation: 1, labels: { app: name } },
    spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: template(name) },
    status: { replicas: 0 },
  });
}

/** One replica, selected by `app=<name>`, with the defaults of a rolling update. */
export function deployment(name: string): WorkloadBuilder<Deployment> {
  return new WorkloadBuilder<Deployment>({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', generation: 1, labels: { app: name } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: template(name),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {},
  });
}

/** A ClusterIP service of `app=<name>`, port 80. */
export function service(name: string): ObjectBuilder<Service> {
  return new ObjectBuilder<Service>({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      selector: { app: name },
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
    },
  });
}
