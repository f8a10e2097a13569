import { type ResourceDefinition } from './resource';

/**
 * Where a group stands in discovery: `groupPriorityMinimum` and `versionPriority` of its APIServices, as kube-apiserver
 * registers them. kubectl resolves ambiguous names in this order.
 */
export const groupPriorities: Readonly<Record<string, number>> = {
  '': 18000,
  'apiregistration.k8s.io': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'admissionregistration.k8s.io': 16700,
  'apiextensions.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'resource.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
};

/** Groups of CustomResourceDefinitions come after all built-in ones. */
export const customGroupPriority = 1000;

export interface GroupResources {
  readonly group: string;
  /** Preferred version first. */
  readonly versions: readonly VersionResources[];
}

export interface VersionResources {
  readonly version: string;
  /** Sorted by name. */
  readonly resources: readonly ResourceDefinition[];
}

/** Arranges resources as discovery shows them: groups by priority and name, versions by stability and age. */
export function groupResources(resources: readonly ResourceDefinition[]): readonly GroupResources[] {
  const groups = new Map<string, Map<string, ResourceDefinition[]>>();
  for (const resource of resources) {
    const versions = groups.get(resource.group) ?? new Map<string, ResourceDefinition[]>();
    groups.set(resource.group, versions);
    const list = versions.get(resource.version) ?? [];
    versions.set(resource.version, list);
    list.push(resource);
  }
  return [...groups]
    .map(([group, versions]) => ({
      group,
      versions: [...versions]
        .map(([version, list]) => ({ version, resources: list.sort((a, b) => (a.plural < b.plural ? -1 : 1)) }))
        .sort((a, b) => compareVersions(a.version, b.version)),
    }))
    .sort((a, b) => priorityOf(b.group) - priorityOf(a.group) || (a.group < b.group ? -1 : 1));
}

function priorityOf(group: string): number {
  return groupPriorities[group] ?? customGroupPriority;
}

/**
 * Kubernetes' version order, most preferred first: GA before beta before alpha, higher numbers first, then whatever is no
 * such version, by name. `v10 < v2 < v1 < v2beta1 < v1alpha1 < foo`
 */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a);
  const right = parseVersion(b);
  if (left === undefined || right === undefined) {
    if (left !== undefined) return -1;
    if (right !== undefined) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parseVersion(text: string): { stability: number; major: number; minor: number } | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(text);
  if (match === null) return undefined;
  const stability = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
  return { stability, major: Number(match[1]), minor: Number(match[3] ?? 0) };
}
