import { context, created, defaulted, row, updated } from '../common/strategy.fixture';
import { apiServices } from './api-services';
import { customResourceDefinitions } from './custom-resource-definitions';

describe('custom resource definitions', () => {
  const definition = {
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [
        { name: 'v1', served: true, storage: true },
        { name: 'v2', served: true, storage: false },
      ],
    },
  };

  it('complete their names and convert nothing', () => {
    expect(defaulted(customResourceDefinitions, definition).spec).toMatchObject({
      names: { singular: 'widget', listKind: 'WidgetList' },
      conversion: { strategy: 'None' },
    });
  });

  it('remember every version that they have stored', () => {
    const first = created(customResourceDefinitions, definition);
    const second = updated(customResourceDefinitions, first, ({ spec }) =>
      spec.versions.forEach((version) => (version.storage = version.name === 'v2')),
    );
    expect(first.status?.storedVersions).toEqual(['v1']);
    expect(second.status?.storedVersions).toEqual(['v1', 'v2']);
  });
});

describe('API services', () => {
  it('that this server answers are available at once', () => {
    const service = created(apiServices, { metadata: { name: 'v1.apps' }, spec: { group: 'apps', version: 'v1' } });
    expect(service.status?.conditions).toMatchObject([
      { type: 'Available', status: 'True', reason: 'Local', lastTransitionTime: context.now },
    ]);
    expect(row(apiServices, service)).toMatchObject({ Service: 'Local', Available: 'True' });
  });

  it('that another server answers wait for it', () => {
    const spec = { group: 'x.io', version: 'v1', service: { namespace: 'n', name: 's' } };
    const service = created(apiServices, { metadata: { name: 'v1.x.io' }, spec });
    expect(service.spec?.service?.port).toBe(443);
    expect(row(apiServices, service)).toMatchObject({ Service: 'n/s', Available: 'Unknown' });
  });
});
