const { ApiError, Cluster, hasReason, resources } = require('nestor/testing');

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: nginx }] } }
`;

let cluster;
beforeAll(async () => {
  // jest's own clock must not stop the cluster's.
  jest.useFakeTimers();
  cluster = await Cluster.start({ nodes: 2 });
});
afterAll(() => cluster.stop());

test('a Deployment becomes available, and its objects are of this context', async () => {
  const [applied] = await cluster.apply(web);
  expect(applied.metadata.labels).toBeUndefined();
  const { spec } = await cluster.waitFor('deployment/web', 'Available');
  expect(spec.selector).toStrictEqual({ matchLabels: { app: 'web' } });
  expect(applied).toBeInstanceOf(Object);
});

test('errors are of this context', async () => {
  const error = await cluster.client.get(resources.pods, { namespace: 'default', name: 'none' }).catch((e) => e);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toBeInstanceOf(Error);
  expect(hasReason(error, 'NotFound')).toBe(true);
});

test('its clock moves', async () => {
  const from = cluster.clock.now();
  await cluster.advance('2m');
  expect(cluster.clock.now() - from).toBeGreaterThanOrEqual(120_000);
});
