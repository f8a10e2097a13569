import { createCertificateRequest } from '#pki';
import { type Answer, type Harness, startHarness } from './testing/harness';

const namespace = '/api/v1/namespaces/default';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const mergePatch = 'application/merge-patch+json';
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

describe('details in which clients see upstream', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  const post = (path: string, body: unknown): Promise<Answer> => harness.call('POST', path, { body });

  it('services without a name fail at their address', async () => {
    const ports = [{ port: 80 }];
    const { status, body } = await post(`${namespace}/services`, {
      apiVersion: 'v1',
      kind: 'Service',
      spec: { ports },
    });
    expect(status).toBe(422);
    expect(body.message).toMatch(
      /^Service "" is invalid: spec\.clusterIPs: Invalid value: \[""\]: failed to allocate IP: IPAddress\.networking\.k8s\.io "[\d.]+" is invalid: spec\.parentRef\.name: Required value$/,
    );
    const headless = { apiVersion: 'v1', kind: 'Service', spec: { ports, clusterIP: 'None' } };
    expect((await post(`${namespace}/services`, headless)).body.message).toContain('metadata.name: Required value');
  });

  it('a PUT makes a service that was missing', async () => {
    const body = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'made' }, spec: { ports: [{ port: 80 }] } };
    expect((await harness.call('PUT', `${namespace}/services/made`, { body })).status).toBe(201);
  });

  it('jobs of a bad name complain about the labels of their pods alone', async () => {
    const spec = { template: { spec: { ...template.spec, restartPolicy: 'Never' } } };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'Bad!' }, spec };
    const { body } = await post('/apis/batch/v1/namespaces/default/jobs', job);
    const fields = (body.details.causes as { field: string }[]).map(({ field }) => field);
    expect(new Set(fields)).toEqual(new Set(['metadata.name', 'spec.template.labels']));
    const good = await post('/apis/batch/v1/namespaces/default/jobs', { ...job, metadata: { name: 'good' } });
    expect(good.body.metadata.labels).toEqual(good.body.spec.template.metadata.labels);
  });

  it('nobody owns fields of certificate signing requests', async () => {
    const { requestPem } = await createCertificateRequest({ commonName: 'jane' });
    const spec = {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: 'example.com/s',
      usages: ['client auth'],
    };
    const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const body = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'r' },
      spec,
    };
    expect((await post(path, body)).body.metadata.managedFields).toBeUndefined();
    const labels = { metadata: { labels: { a: 'b' } } };
    const patched = await harness.call('PATCH', `${path}/r`, { contentType: mergePatch, body: labels });
    expect(patched.body.metadata).toMatchObject(labels.metadata);
    expect(patched.body.metadata.managedFields).toBeUndefined();
  });

  it('annotations that come with the status are no new generation', async () => {
    const spec = { selector: { matchLabels: { app: 'a' } }, template };
    await post(deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec });
    const annotate = async (path: string, value: string): Promise<unknown> => {
      const body = { metadata: { annotations: { a: value } } };
      const answer = await harness.call('PATCH', path, { contentType: mergePatch, body });
      expect(answer.body.metadata.annotations).toEqual({ a: value });
      return answer.body.metadata.generation;
    };
    expect(await annotate(`${deployments}/d/status`, '1')).toBe(1);
    expect(await annotate(`${deployments}/d`, '2')).toBe(2);
  });

  it('component statuses are missed one by one', async () => {
    expect((await harness.call('GET', '/api/v1/componentstatuses/none')).body.message).toBe(
      'componentstatus "none" not found',
    );
  });

  it('a body of another kind is read before it is refused', async () => {
    const refused = (data: object): Promise<Answer> =>
      post(`${namespace}/configmaps`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data });
    expect((await refused({})).body.message).toContain(
      'converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    );
    expect((await refused({ a: '9' })).body.message).toContain('illegal base64 data at input byte 0');
  });
});
