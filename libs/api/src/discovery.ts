import {
  type APIGroup,
  type APIGroupList,
  type APIResource,
  type APIResourceList,
  type APIVersions,
} from './generated/types';
import { type GroupResources, groupResources } from './group-order';
import { type ResourceDefinition, formatGroupVersion } from './resource';

// Discovery's documents, each a function of the resources that are served. In 1.36 aggregated discovery is v2 only: v2beta1
// is answered with 406.

/** `GET /api`. */
export function apiVersionsDocument(serverAddress: string): APIVersions {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `GET /apis`. The core group is not in it. */
export function apiGroupListDocument(resources: readonly ResourceDefinition[]): APIGroupList {
  const groups = groupResources(resources).filter(({ group }) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(describeGroup) };
}

/** `GET /apis/<group>`, or undefined where no resource is of the group. */
export function apiGroupDocument(resources: readonly ResourceDefinition[], group: string): APIGroup | undefined {
  const found = groupResources(resources.filter((resource) => resource.group === group))[0];
  return found === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(found) };
}

function describeGroup({ group, versions }: GroupResources): APIGroup {
  const described = versions.map(({ version }) => ({ groupVersion: formatGroupVersion(group, version), version }));
  return { name: group, versions: described, preferredVersion: described[0] };
}

/** `GET /api/v1` and `GET /apis/<group>/<version>`, or undefined where no resource is of the group version. */
export function apiResourceListDocument(
  resources: readonly ResourceDefinition[],
  group: string,
  version: string,
): APIResourceList | undefined {
  const inVersion = resources.filter((resource) => resource.group === group && resource.version === version);
  const sorted = groupResources(inVersion)[0]?.versions[0]?.resources;
  if (sorted === undefined) return undefined;
  return {
    kind: 'APIResourceList',
    // Upstream's core group has always lacked it.
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: formatGroupVersion(group, version),
    resources: sorted.flatMap(describeResource),
  };
}

function describeResource(resource: ResourceDefinition): APIResource[] {
  const { plural, namespaced, kind, shortNames, categories } = resource;
  return [
    {
      name: plural,
      singularName: resource.singular,
      namespaced,
      kind,
      verbs: [...resource.verbs],
      ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
      ...(categories.length === 0 ? {} : { categories: [...categories] }),
      ...(resource.storageVersionHash === undefined ? {} : { storageVersionHash: resource.storageVersionHash }),
    },
    ...resource.subresources.map((subresource) => ({
      name: `${plural}/${subresource.name}`,
      singularName: '',
      namespaced,
      ...(subresource.group === undefined ? {} : { group: subresource.group, version: subresource.version }),
      kind: subresource.kind,
      verbs: [...subresource.verbs],
    })),
  ];
}

/** The media type that asks for an aggregated document, and the one that it is served as. */
export const aggregatedDiscoveryMediaType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export interface APIGroupDiscoveryList {
  readonly kind: 'APIGroupDiscoveryList';
  readonly apiVersion: 'apidiscovery.k8s.io/v2';
  readonly metadata: Readonly<Record<string, never>>;
  readonly items: readonly APIGroupDiscovery[];
}

interface APIGroupDiscovery {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly resources: readonly object[];
    readonly freshness: 'Current' | 'Stale';
  }[];
}

/** `GET /api` (the core group) and `GET /apis` (all the others) as one document, KEP-3352. */
export function aggregatedDiscoveryDocument(
  resources: readonly ResourceDefinition[],
  path: 'api' | 'apis',
): APIGroupDiscoveryList {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groupResources(resources.filter(({ group }) => (group === '') === (path === 'api'))).map(
      ({ group, versions }) => ({
        metadata: group === '' ? {} : { name: group },
        versions: versions.map(({ version, resources: list }) => ({
          version,
          resources: list.map(aggregateResource),
          freshness: 'Current' as const,
        })),
      }),
    ),
  };
}

function aggregateResource(resource: ResourceDefinition): object {
  const { shortNames, categories, subresources } = resource;
  return {
    resource: resource.plural,
    responseKind: { group: '', version: '', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, kind, group = '', version = '', verbs }) => ({
            subresource: name,
            responseKind: { group, version, kind },
            verbs,
          })),
        }),
  };
}
