import { type Harness, startHarness } from '../testing/harness';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const apply = 'application/apply-patch+yaml';

function deployment(name: string): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  };
}

function scale(name: string, replicas: number): object {
  return { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name }, spec: { replicas } };
}

interface Owner {
  manager: string;
  operation: string;
  apiVersion: string;
  subresource?: string;
  fieldsV1: { 'f:spec'?: Record<string, unknown> };
}

describe('apply to scale', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  const applyTo = (path: string, body: object, query: string) =>
    harness.call('PATCH', `${path}?${query}`, { body, contentType: apply });
  const ownersOf = async (name: string): Promise<string[]> => {
    const { body } = await harness.call('GET', `${deployments}/${name}`);
    const owners = (body as { metadata: { managedFields: Owner[] } }).metadata.managedFields;
    return owners
      .filter(({ fieldsV1 }) => fieldsV1['f:spec']?.['f:replicas'] !== undefined)
      .map((owner) => `${owner.manager} ${owner.operation} ${owner.apiVersion} ${owner.subresource ?? ''}`.trim());
  };

  it('meets whoever applied the replicas to the workload', async () => {
    await applyTo(`${deployments}/a`, deployment('a'), 'fieldManager=author');
    const refused = await applyTo(`${deployments}/a/scale`, scale('a', 3), 'fieldManager=scaler');
    expect(refused.status).toBe(409);
    expect(refused.body.details.causes).toEqual([
      { reason: 'FieldManagerConflict', message: expect.stringContaining('"author"'), field: '.spec.replicas' },
    ]);
    expect(await ownersOf('a')).toEqual(['author Apply apps/v1']);
  });

  it('takes the replicas, and nothing else, by force', async () => {
    await applyTo(`${deployments}/b`, deployment('b'), 'fieldManager=author');
    const answer = await applyTo(`${deployments}/b/scale`, scale('b', 3), 'fieldManager=scaler&force=true');
    expect(answer.body).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } });
    expect(await ownersOf('b')).toEqual(['scaler Apply apps/v1 scale']);
    const { body } = await harness.call('GET', `${deployments}/b`);
    expect(body.spec.replicas).toBe(3);
    const author = (body.metadata.managedFields as Owner[]).find(({ manager }) => manager === 'author');
    expect(author?.fieldsV1['f:spec']).toHaveProperty('f:template');
  });

  it('shares what both want alike', async () => {
    await applyTo(`${deployments}/c`, deployment('c'), 'fieldManager=author');
    expect((await applyTo(`${deployments}/c/scale`, scale('c', 1), 'fieldManager=scaler')).status).toBe(200);
    expect(await ownersOf('c')).toEqual(['author Apply apps/v1', 'scaler Apply apps/v1 scale']);
  });

  it('wants a Scale', async () => {
    await harness.call('POST', deployments, { body: deployment('d') });
    const answer = await applyTo(`${deployments}/d/scale`, deployment('d'), 'fieldManager=scaler');
    expect(answer.body.message).toBe('invalid object type: apps/v1, Kind=Deployment');
  });
});
