import { request } from 'undici';
import { type Harness, configMap, configMaps, startHarness } from './testing/harness';

interface ListBody {
  readonly metadata: { readonly resourceVersion: string; readonly continue: string };
  readonly items: readonly unknown[];
}

describe('history that was compacted', () => {
  let harness: Harness;
  const list = async (query: string): Promise<{ status: number; body: ListBody & { message: string } }> =>
    harness.call('GET', `${configMaps}?${query}`);

  beforeAll(async () => {
    // A gateway knows what happens from its start on: what was before is in the store only.
    harness = await startHarness(async (store) => {
      for (const value of ['1', '2', '3']) await store.put({ key: 'past', value: Buffer.from(value) });
    });
    for (const name of ['a', 'b', 'c']) await harness.call('POST', configMaps, { body: configMap(name) });
    for (const name of ['d', 'e', 'f']) await harness.call('POST', configMaps, { body: configMap(name) });
    const { revision } = await harness.store.range({ key: '/registry/' });
    await harness.store.compact(revision);
  });
  afterAll(async () => {
    await harness.stop();
  });

  it('is gone for lists of a revision', async () => {
    const first = await list('resourceVersion=1&resourceVersionMatch=Exact');
    expect(first).toMatchObject({
      status: 410,
      body: { reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' },
    });
  });

  it('is gone for watches of a revision before the first that is kept', async () => {
    const answer = await request(`${harness.gateway.url}${configMaps}?watch=1&resourceVersion=1`, {
      dispatcher: harness.dispatcher,
      headers: { authorization: 'Bearer admin' },
    });
    // The answer has begun when the watch finds out: the stream says so and ends.
    expect(answer.statusCode).toBe(200);
    const [line, ...rest] = (await answer.body.text()).trim().split('\n');
    expect(rest).toEqual([]);
    expect(JSON.parse(line ?? '')).toMatchObject({
      type: 'ERROR',
      object: {
        code: 410,
        reason: 'Expired',
        message: expect.stringMatching(/^too old resource version: 1 \(\d+\)$/) as string,
      },
    });
  });

  it('lets a paged list go on with a new token, at the price of consistency', async () => {
    // The pages of remembered lists need no history: those of a gateway that was started since do.
    const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 2, start: 'a\0' })).toString('base64url');
    const expired = await list(`limit=1&continue=${token}`);
    expect(expired).toMatchObject({ status: 410, body: { reason: 'Expired' } });
    const next = await list(`limit=10&continue=${expired.body.metadata.continue}`);
    expect(next.status).toBe(200);
    expect(next.body.items.length).toBeGreaterThanOrEqual(5);
  });
});
