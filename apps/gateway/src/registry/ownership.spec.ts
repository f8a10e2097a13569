import { type Harness, startHarness } from '../testing/harness';

const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
const scaleTargetRef = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' };

interface Owner {
  manager: string;
  apiVersion: string;
  fieldsV1: Record<string, Record<string, unknown>>;
}

describe('managedFields of a kind in two versions', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  it('are kept for writers in the other version, which lose what was changed', async () => {
    const body = { metadata: { name: 'h' }, spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 3 } };
    await harness.call('POST', `${path('v1')}?fieldManager=old`, { body });
    const changed = await harness.call('PATCH', `${path('v2')}/h?fieldManager=new`, {
      body: { spec: { maxReplicas: 5 } },
      contentType: 'application/merge-patch+json',
    });
    const owners = changed.body.metadata.managedFields as Owner[];
    const specOf = (name: string) => owners.find(({ manager }) => manager === name)?.fieldsV1['f:spec'];
    expect(owners.map(({ manager, apiVersion }) => [manager, apiVersion]).sort()).toEqual([
      ['new', 'autoscaling/v2'],
      ['old', 'autoscaling/v1'],
    ]);
    expect(specOf('old')).toHaveProperty('f:minReplicas');
    expect(specOf('old')).not.toHaveProperty('f:maxReplicas');
    expect(specOf('new')).toEqual({ 'f:maxReplicas': {} });
  });

  it('forget writers in versions that are not served', async () => {
    const managedFields = [
      {
        manager: 'ancient',
        operation: 'Update',
        apiVersion: 'autoscaling/v2beta1',
        time: '2020-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:minReplicas': {} } },
      },
    ];
    const body = { metadata: { name: 'i', managedFields }, spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 3 } };
    const created = await harness.call('POST', `${path('v2')}?fieldManager=new`, { body });
    expect(created.status).toBe(201);
    expect((created.body.metadata.managedFields as Owner[]).map(({ manager }) => manager)).toEqual(['new']);
  });
});
