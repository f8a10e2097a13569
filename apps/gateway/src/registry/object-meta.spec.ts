import { type Harness, configMap, configMaps, startHarness } from '../testing/harness';

describe('metadata of a write', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  const create = (metadata: object) => harness.call('POST', configMaps, { body: { metadata } });

  it('may not start a deletion', async () => {
    await harness.call('POST', configMaps, { body: configMap('alive') });
    const metadata = { name: 'alive', deletionGracePeriodSeconds: 3, creationTimestamp: '2001-01-01T00:00:00Z' };
    const answer = await harness.call('PUT', `${configMaps}/alive`, { body: { metadata } });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toBe(
      'ConfigMap "alive" is invalid: metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable',
    );
  });

  it('may leave out what only the server sets', async () => {
    await harness.call('POST', configMaps, { body: configMap('plain') });
    const answer = await harness.call('PUT', `${configMaps}/plain`, { body: configMap('plain', { a: '1' }) });
    expect(answer.status).toBe(200);
  });

  it('may not have the revision of an existing object when new, unless it is none', async () => {
    expect((await create({ name: 'versioned', resourceVersion: '7' })).status).toBe(500);
    expect((await create({ name: 'versioned', resourceVersion: 'abc' })).status).toBe(201);
  });

  it.each([
    [{ finalizers: ['Bad Name/x'] }, 'metadata.finalizers'],
    [{ finalizers: ['noslash'] }, 'metadata.finalizers[0]'],
    [{ labels: { 'a/b/c': 'v' } }, 'metadata.labels'],
  ])('is refused with %j', async (metadata, field) => {
    const answer = await create({ name: 'refused', ...metadata });
    expect(answer.body.details.causes).toEqual([expect.objectContaining({ field })]);
  });

  it('calls a bad key of a label by its name', async () => {
    const answer = await create({ name: 'refused', labels: { 'a/b/c': 'v' } });
    expect(answer.body.message).toContain('"a/b/c": a valid label key must consist of');
  });
});
