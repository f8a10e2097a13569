import { StoreError } from '#store';
import { type Harness, configMap, configMaps, startHarness } from '../testing/harness';
import { guard } from './object-storage';

describe('writes to the store', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  it('give events a lease, which is renewed by a change, and nothing else one', async () => {
    const events = '/api/v1/namespaces/default/events';
    const event = { metadata: { name: 'e' }, involvedObject: { namespace: 'default', kind: 'Pod' } };
    expect((await harness.call('POST', events, { body: event })).status).toBe(201);
    await harness.call('POST', configMaps, { body: configMap('kept') });
    const leaseOf = async (key: string) => (await harness.store.range({ key })).kvs[0]?.lease;
    const lease = await leaseOf('/registry/core/events/default/e');
    expect(lease).toBeGreaterThan(0n);
    expect((await harness.store.leaseStatus(lease ?? 0n)).grantedTtl).toBeGreaterThanOrEqual(3600);
    expect(await leaseOf('/registry/core/configmaps/default/kept')).toBe(0n);
  });

  it('forget an event with its lease', async () => {
    const events = '/api/v1/namespaces/default/events';
    const event = { metadata: { name: 'gone' }, involvedObject: { namespace: 'default', kind: 'Pod' } };
    await harness.call('POST', events, { body: event });
    const { kvs } = await harness.store.range({ key: '/registry/core/events/default/gone' });
    await harness.store.leaseRevoke(kvs[0]?.lease ?? 0n);
    expect((await harness.call('GET', `${events}/gone`)).status).toBe(404);
  });

  it('that the store finds too large answer what it says', async () => {
    const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
    const body = { metadata: { name: 'large' }, revision: 1, data: { text: 'x'.repeat(2_000_000) } };
    const answer = await harness.call('POST', revisions, { body });
    expect(answer.body).toMatchObject({ status: 'Failure', message: 'etcdserver: request is too large', code: 500 });
    expect(answer.body.reason).toBeUndefined();
  });
});

describe('guard', () => {
  it.each([
    ['request-too-large', 'etcdserver: request is too large', 500],
    ['no-space', 'etcdserver: mvcc: database space exceeded', 500],
    ['unavailable', 'etcdserver: no leader', 503],
    ['closed', 'the store is closed', 503],
  ] as const)('answers %s with its text', async (code, message, status) => {
    await expect(guard(Promise.reject(new StoreError(code, message)))).rejects.toMatchObject({ code: status, message });
  });

  it('leaves to readers what only they can explain', async () => {
    const error = new StoreError('compacted', 'etcdserver: mvcc: required revision has been compacted');
    await expect(guard(Promise.reject(error))).rejects.toBe(error);
  });
});
