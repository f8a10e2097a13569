// What every cluster has from its first second on, besides RBAC and flow control.
import { type APIService, type Namespace, type PriorityClass } from '../generated/types';
import { groupPriorities, groupResources } from '../group-order';
import { type ResourceDefinition } from '../resource';

/** `default` and the three that the system keeps its own objects in. */
export function defaultNamespaces(): Namespace[] {
  return ['default', 'kube-node-lease', 'kube-public', 'kube-system'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }));
}

export function defaultPriorityClasses(): PriorityClass[] {
  const priorityClass = (name: string, value: number, description: string): PriorityClass => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description,
    preemptionPolicy: 'PreemptLowerPriority',
  });
  return [
    priorityClass(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    priorityClass(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
  ];
}

/** `versionPriority` where it is not the usual 15. */
const versionPriorities: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
};

/** One APIService for each group version that the server itself serves, except that of APIService. */
export function defaultApiServices(resources: readonly ResourceDefinition[]): APIService[] {
  return groupResources(resources)
    .filter(({ group }) => group !== 'apiregistration.k8s.io' && groupPriorities[group] !== undefined)
    .flatMap(({ group, versions }) =>
      versions.map(({ version }) => ({
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: {
          name: `${version}.${group}`,
          labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' },
        },
        spec: {
          ...(group === '' ? {} : { group }),
          groupPriorityMinimum: groupPriorities[group] ?? 0,
          version,
          versionPriority: versionPriorities[`${group}/${version}`] ?? 15,
        },
      })),
    );
}
