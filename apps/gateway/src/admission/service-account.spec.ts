import { type Harness, startHarness } from '../testing/harness';

const pods = '/api/v1/namespaces/default/pods';

describe('a pod without containers', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
    const account = { metadata: { name: 'default' } };
    await harness.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: account });
  });
  afterAll(() => harness.stop());

  it.each<[string, object]>([
    ['no spec', {}],
    ['a spec with nothing in it', { spec: {} }],
    ['containers that are null', { spec: { containers: null } }],
  ])('is invalid, however it comes: %s', async (_, more) => {
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, ...more };
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    const answers = [
      await harness.call('POST', pods, { body }),
      await harness.call('PATCH', `${pods}/p?fieldManager=me`, { body: JSON.stringify(body), headers }),
    ];
    for (const { status, body: answer } of answers) {
      expect(status).toBe(422);
      expect(answer).toMatchObject({
        reason: 'Invalid',
        message: 'Pod "p" is invalid: spec.containers: Required value',
      });
    }
  });
});
