import {
  type ResourceDefinition,
  aggregatedDiscoveryDocument,
  allResources,
  apiGroupDocument,
  apiGroupListDocument,
  apiResourceListDocument,
  compareVersions,
  findKind,
  findResource,
  resources,
} from '../index';

const widget: ResourceDefinition = {
  ...resources.deployments,
  group: 'example.com',
  version: 'v1beta1',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  listKind: 'WidgetList',
};

describe('discovery', () => {
  it('lists groups by priority, custom ones last, and prefers the newest stable version', () => {
    const { groups } = apiGroupListDocument([widget, { ...widget, version: 'v1' }, ...allResources]);
    expect(groups.map(({ name }) => name).slice(0, 3)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io']);
    expect(groups.at(-1)).toEqual({
      name: 'example.com',
      versions: [
        { groupVersion: 'example.com/v1', version: 'v1' },
        { groupVersion: 'example.com/v1beta1', version: 'v1beta1' },
      ],
      preferredVersion: { groupVersion: 'example.com/v1', version: 'v1' },
    });
    expect(groups.find(({ name }) => name === 'autoscaling')?.preferredVersion?.version).toBe('v2');
  });

  it('lists subresources under their resource, with the group of a foreign kind', () => {
    const { resources: list } = apiResourceListDocument(allResources, '', 'v1') ?? { resources: [] };
    const eviction = list.find(({ name }) => name === 'pods/eviction');
    expect(eviction).toEqual({
      name: 'pods/eviction',
      singularName: '',
      namespaced: true,
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
      verbs: ['create'],
    });
    const names = list.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
  });

  it('says the same in one document', () => {
    const core = aggregatedDiscoveryDocument(allResources, 'api');
    expect(core.items).toHaveLength(1);
    expect(core.items[0]?.metadata).toEqual({});
    expect(core.items[0]?.versions[0]?.resources).toHaveLength(17);
    const others = aggregatedDiscoveryDocument(allResources, 'apis');
    expect(others.items.map(({ metadata }) => metadata.name)).toEqual(
      apiGroupListDocument(allResources).groups.map(({ name }) => name),
    );
  });

  it('knows nothing of a group version without resources', () => {
    expect(apiGroupDocument(allResources, 'example.com')).toBeUndefined();
    expect(apiResourceListDocument(allResources, 'apps', 'v9')).toBeUndefined();
  });
});

describe('resources', () => {
  it('carry the storage version hash that clients have seen before', () => {
    expect(resources.deployments.storageVersionHash).toBe('8aSe+NMegvE=');
    expect(resources.horizontalPodAutoscalersV1.storageVersionHash).toBe(
      resources.horizontalPodAutoscalers.storageVersionHash,
    );
    expect(resources.bindings.storageVersionHash).toBeUndefined();
  });

  it('are found by path and by kind', () => {
    expect(findResource('apps', 'v1', 'deployments')).toBe(resources.deployments);
    expect(findKind('events.k8s.io', 'v1', 'Event')).toBe(resources.eventsEvents);
    expect(findResource('apps', 'v1', 'deployment')).toBeUndefined();
  });
});

describe('compareVersions', () => {
  it('prefers stable, then beta, then alpha, then high numbers', () => {
    const sorted = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10'];
    expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
  });
});
