import { type Harness, startHarness } from '../testing/harness';

const pods = '/api/v1/namespaces/default/pods';

describe('warnings', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
    const account = { metadata: { name: 'default' } };
    await harness.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: account });
  });
  afterAll(() => harness.stop());

  it('come with the answer, also if that is a refusal', async () => {
    const volumes = [{ name: 'v', projected: { sources: [] } }];
    const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }], volumes } };
    const warning = '299 - "volume \\"v\\" (Projected) has no sources provided"';
    const first = await harness.call('POST', pods, { body });
    const second = await harness.call('POST', pods, { body });
    expect([first.status, first.headers['warning']]).toEqual([201, warning]);
    expect([second.status, second.headers['warning']]).toEqual([409, warning]);
  });
});
