import { type Harness, startHarness } from '../testing/harness';

const classes = '/apis/node.k8s.io/v1/runtimeclasses';
const pods = '/api/v1/namespaces/default/pods?dryRun=All';
const containers = [{ name: 'c', image: 'i' }];

describe('the runtime class of a pod', () => {
  let harness: Harness;
  const create = (spec: object) =>
    harness.call('POST', pods, { body: { metadata: { name: 'p' }, spec: { containers, ...spec } } });

  beforeAll(async () => {
    harness = await startHarness();
    await harness.call('POST', '/api/v1/namespaces/default/serviceaccounts', {
      body: { metadata: { name: 'default' } },
    });
    const scheduling = { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] };
    const overhead = { podFixed: { memory: '64Mi' } };
    const body = { metadata: { name: 'vm' }, handler: 'vm', scheduling, overhead };
    expect(await harness.call('POST', classes, { body })).toMatchObject({ status: 201 });
  });
  afterAll(() => harness.stop());

  it('says what it costs and where it is', async () => {
    const { status, body } = await create({ runtimeClassName: 'vm', nodeSelector: { disk: 'fast' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      spec: { overhead: { memory: '64Mi' }, nodeSelector: { vm: 'yes', disk: 'fast' } },
    });
    const { tolerations } = (body as { spec: { tolerations: object[] } }).spec;
    expect(tolerations).toContainEqual({ key: 'vm', operator: 'Exists' });
  });

  it.each<[object, string]>([
    [{ runtimeClassName: 'missing' }, 'RuntimeClass "missing" not found'],
    [
      { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
      'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    ],
    [
      { runtimeClassName: 'vm', overhead: { memory: '65Mi' } },
      "Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [{ overhead: { memory: '64Mi' } }, 'Pod Overhead set without corresponding RuntimeClass defined Overhead'],
  ])('refuses %j', async (spec, cause) => {
    const { status, body } = await create(spec);
    expect({ status, body }).toMatchObject({
      status: 403,
      body: { message: `pods "p" is forbidden: pod rejected: ${cause}` },
    });
  });
});
