import { type Harness, configMap, configMaps, startHarness } from '../testing/harness';

const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';

describe('PATCH', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  it('creates nothing, even of kinds that an update creates', async () => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/missing';
    const answer = await harness.call('PATCH', path, {
      body: { metadata: { labels: { a: 'b' } } },
      contentType: merge,
    });
    expect(answer.body).toMatchObject({ code: 404, message: 'leases.coordination.k8s.io "missing" not found' });
  });

  it('shows the patched object with its maps sorted when that does not decode', async () => {
    await harness.call('POST', configMaps, { body: configMap('sorted', { z: '1' }) });
    const body = [
      { op: 'add', path: '/data/a', value: '2' },
      { op: 'add', path: '/immutable', value: 'no' },
    ];
    const answer = await harness.call('PATCH', `${configMaps}/sorted`, {
      body,
      contentType: 'application/json-patch+json',
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain('"data\\":{\\"a\\":\\"2\\",\\"z\\":\\"1\\"}');
  });

  it('complains of wrong types in a strategic merge patch as conversion does', async () => {
    const path = '/api/v1/namespaces/default/services';
    await harness.call('POST', path, { body: { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } } });
    const answer = await harness.call('PATCH', `${path}/s`, {
      body: { spec: { publishNotReadyAddresses: 'x' } },
      contentType: strategic,
    });
    expect(answer.body.details.causes[0].message).toMatch(/unrecognized type: bool$/);
  });
});
