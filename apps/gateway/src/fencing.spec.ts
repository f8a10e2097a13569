import { formatFence } from '#client';
import { type Harness, configMap, configMaps, startHarness } from './testing/harness';

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

describe("a leader's write", () => {
  let harness: Harness;
  const lease = (holderIdentity: string, leaseTransitions: number, renewTime = 0): object => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'boss', namespace: 'kube-system' },
    spec: { holderIdentity, leaseTransitions, renewTime: new Date(renewTime).toISOString().replace('Z', '000Z') },
  });
  const change = async (object: object): Promise<number> => {
    const contentType = 'application/merge-patch+json';
    const answer = await harness.call('PATCH', `${leases}/boss`, { body: object, contentType });
    expect(answer.status).toBe(200);
    return Number(answer.body.metadata.resourceVersion);
  };
  const as = (holder: string, transitions: number) => ({
    'nestor-fence': formatFence({ lease: { namespace: 'kube-system', name: 'boss' }, holder, transitions }),
  });

  beforeAll(async () => {
    harness = await startHarness();
    expect((await harness.call('POST', leases, { body: lease('a', 0) })).status).toBe(201);
  });
  afterAll(() => harness.stop());

  it('is carried out while its term lasts', async () => {
    const create = await harness.call('POST', configMaps, { body: configMap('x'), headers: as('a', 0) });
    expect(create.status).toBe(201);
  });

  it.each([
    ['another holder', 'b', 0],
    ['an earlier term of the same holder', 'a', 7],
  ])('is refused with Conflict for %s', async (_what, holder, transitions) => {
    const headers = as(holder, transitions);
    const answers = [
      await harness.call('POST', configMaps, { body: configMap('y'), headers }),
      await harness.call('PUT', `${configMaps}/x`, { body: configMap('x', { a: 'b' }), headers }),
      await harness.call('PATCH', `${configMaps}/x`, {
        body: { data: { a: 'b' } },
        contentType: 'application/merge-patch+json',
        headers,
      }),
      await harness.call('DELETE', `${configMaps}/x`, { headers }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    expect(answers[0]?.body).toMatchObject({
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on leases.coordination.k8s.io "boss": the term in which ${holder} led (transitions ${transitions}) is over, so it may not write any more`,
    });
    expect((await harness.call('GET', `${configMaps}/y`)).status).toBe(404);
    expect((await harness.call('GET', `${configMaps}/x`)).body.metadata.name).toBe('x');
  });

  it('is refused without a lease, and when the term cannot be read', async () => {
    const missing = formatFence({ lease: { namespace: 'kube-system', name: 'none' }, holder: 'a', transitions: 0 });
    const refused = { body: configMap('z'), headers: { 'nestor-fence': missing } };
    expect((await harness.call('POST', configMaps, refused)).status).toBe(409);
    const garbled = { body: configMap('z'), headers: { 'nestor-fence': 'boss' } };
    expect((await harness.call('POST', configMaps, garbled)).status).toBe(400);
  });

  it('goes through however often the lease is renewed, and never after it has passed on', async () => {
    let renewals = 0;
    let isOver = false;
    const renewing = (async () => {
      while (!isOver) await change(lease('a', 0, ++renewals));
    })();
    const writes = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        harness.call('POST', configMaps, { body: configMap(`renewed-${i}`), headers: as('a', 0) }),
      ),
    );
    isOver = true;
    await renewing;
    expect(writes.map(({ status }) => status)).toEqual(Array(50).fill(201));

    // The new term begins at a revision; whatever the old leader writes while that happens comes before it.
    const late = Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        harness.call('POST', configMaps, { body: configMap(`late-${i}`), headers: as('a', 0) }),
      ),
    );
    const since = await change(lease('b', 1));
    for (const { status, body } of await late) {
      if (status === 201) expect(Number(body.metadata.resourceVersion)).toBeLessThan(since);
      else expect(status).toBe(409);
    }
    expect((await harness.call('POST', configMaps, { body: configMap('later'), headers: as('a', 0) })).status).toBe(
      409,
    );
  });
});
