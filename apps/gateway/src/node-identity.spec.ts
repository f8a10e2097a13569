import { Agent, request as send } from 'undici';
import {
  createCertificateRequest,
  identityOf,
  isSignedBy,
  type KeyPair,
  readClusterInfo,
  signCertificateRequest,
  signDetached,
} from '#pki';
import { type Harness, startHarness } from './testing/harness';

const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const pods = '/api/v1/namespaces/default/pods';
const token = { id: 'abcdef', secret: '0123456789abcdef' };
const bootstrapper = { authorization: 'Bearer abcdef.0123456789abcdef' };

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const base64 = (text: string) => Buffer.from(text).toString('base64');
const secret = (data: Record<string, string>) => ({
  metadata: { name: 'bootstrap-token-abcdef' },
  type: 'bootstrap.kubernetes.io/token',
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
/** As a node agent, by impersonation. */
const asNode = (name: string) => ({ 'impersonate-user': `system:node:${name}`, 'impersonate-group': 'system:nodes' });

it('a node comes by its certificate with a token, and by nothing else', async () => {
  const { call, authority } = harness;
  const { requestPem, keyPem } = await createCertificateRequest({
    commonName: 'system:node:worker',
    organizations: ['system:nodes'],
  });
  const signerName = 'kubernetes.io/kube-apiserver-client-kubelet';
  const usages = ['digital signature', 'client auth'];
  const body = { metadata: { name: 'worker' }, spec: { request: base64(requestPem), signerName, usages } };
  expect((await call('POST', requests, { body, headers: bootstrapper })).status).toBe(401);
  await call('POST', '/api/v1/namespaces/kube-system/secrets', {
    body: secret({
      'token-id': token.id,
      'token-secret': token.secret,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
    }),
  });
  const created = await call('POST', requests, { body, headers: bootstrapper });
  expect(created.body.spec).toMatchObject({
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:authenticated'],
  });

  // Who asked may have it approved, but may not approve it.
  const review = (resource: object) => ({
    kind: 'SubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    spec: { user: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'], resourceAttributes: resource },
  });
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const nodeclient = {
    group: 'certificates.k8s.io',
    resource: 'certificatesigningrequests',
    subresource: 'nodeclient',
  };
  const allowed = await call('POST', path, { body: review({ ...nodeclient, verb: 'create' }) });
  expect(allowed.body.status.allowed).toBe(true);
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test' }];
  const approve = { contentType: 'application/merge-patch+json', body: { status: { conditions } } };
  const approval = `${requests}/worker/approval`;
  expect((await call('PATCH', approval, { ...approve, headers: bootstrapper })).status).toBe(403);

  // The right to the subresource is not enough: it takes the right to the signer.
  const role = { rules: [{ apiGroups: ['certificates.k8s.io'], resources: ['*'], verbs: ['get', 'patch'] }] };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'approver' }, ...role } });
  await call('POST', `${rbac}/clusterrolebindings`, {
    body: {
      metadata: { name: 'approver' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'approver' },
    },
  });
  const refused = await call('PATCH', approval, { ...approve, headers: { 'impersonate-user': 'jane' } });
  expect(refused.body.message).toBe(
    `certificatesigningrequests.certificates.k8s.io "worker" is forbidden: user not permitted to approve requests with signerName "${signerName}"`,
  );
  expect((await call('PATCH', approval, approve)).status).toBe(200);

  const now = Date.now();
  const certificatePem = await signCertificateRequest(authority, requestPem, {
    usages,
    notBefore: now - 60_000,
    notAfter: now + 3_600_000,
  });
  const sign = {
    contentType: 'application/merge-patch+json',
    body: { status: { certificate: base64(certificatePem) } },
  };
  const unsigned = await call('PATCH', `${requests}/worker/status`, {
    ...sign,
    headers: { 'impersonate-user': 'jane' },
  });
  expect(unsigned.body.message).toContain(`user not permitted to sign requests with signerName "${signerName}"`);
  expect((await call('PATCH', `${requests}/worker/status`, sign)).status).toBe(200);
  expect(identityOf(certificatePem).commonName).toBe('system:node:worker');
  expect(await whoAmI({ certificatePem, keyPem })).toEqual({
    username: 'system:node:worker',
    groups: ['system:nodes', 'system:authenticated'],
  });
});

async function whoAmI({ certificatePem: cert, keyPem: key }: KeyPair): Promise<unknown> {
  const dispatcher = new Agent({ connect: { ca: harness.authority.certificatePem, cert, key } });
  try {
    const answer = await send(`${harness.gateway.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    return ((await answer.body.json()) as { status: { userInfo: unknown } }).status.userInfo;
  } finally {
    await dispatcher.close();
  }
}

it('a node gains access with the pods that are bound to it, and loses it with them', async () => {
  const { call } = harness;
  const read = (name: string) => call('GET', `/api/v1/namespaces/default/secrets/${name}`, { headers: asNode('n1') });
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  await call('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: 's' } } });
  const refusal =
    'secrets "s" is forbidden: User "system:node:n1" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node \'n1\' and this object';
  expect((await read('s')).body.message).toBe(refusal);
  const volumes = [{ name: 'v', secret: { secretName: 's' } }];
  const spec = { containers: [{ name: 'c', image: 'i' }], volumes };
  await call('POST', pods, { body: { metadata: { name: 'p' }, spec } });
  expect((await read('s')).status).toBe(403);
  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } };
  expect((await call('POST', `${pods}/p/binding`, { body: binding })).status).toBe(201);
  expect((await read('s')).status).toBe(200);
  const list = '/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Ds';
  expect((await call('GET', list, { headers: asNode('n1') })).status).toBe(200);
  expect((await call('GET', list, { headers: asNode('n2') })).status).toBe(403);
  const evict = { body: { metadata: { name: 'p' } }, headers: asNode('n2') };
  expect((await call('POST', `${pods}/p/eviction`, evict)).body.message).toBe(
    'pods "p" is forbidden: node n2 can only evict pods with spec.nodeName set to itself',
  );
  const mine = '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1';
  expect((await call('GET', mine, { headers: asNode('n1') })).body.items).toHaveLength(1);
  expect((await call('GET', mine, { headers: asNode('n2') })).status).toBe(403);
  await call('DELETE', `${pods}/p?gracePeriodSeconds=0`, { headers: asNode('n1') });
  expect((await read('s')).body.message).toBe(refusal);
});

it('a node cannot tell its rights as rules', async () => {
  const body = { spec: { namespace: 'default' } };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const { status } = (await harness.call('POST', path, { body, headers: asNode('n1') })).body;
  expect(status).toMatchObject({
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution',
  });
});

it('everybody may know whom to trust', async () => {
  const path = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
  const { body, status } = await harness.call('GET', path, { headers: { authorization: '' } });
  expect(status).toBe(200);
  const text = body.data.kubeconfig as string;
  expect(readClusterInfo(text)).toEqual({
    server: harness.gateway.url,
    authorityPem: harness.authority.certificatePem,
  });
  expect(isSignedBy(signDetached(text, token), text, token)).toBe(true);
  const others = await harness.call('GET', '/api/v1/namespaces/kube-public/configmaps', {
    headers: { authorization: '' },
  });
  expect(others.status).toBe(403);
});

it('clusters of old lose the binding that gave every node everything', async () => {
  const { store, call } = harness;
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node' };
  await call('POST', path, { body: { metadata: { name: 'nestor:node' }, roleRef } });
  const { kvs } = await store.range({ key: '/registry/', rangeEnd: '/registry0' });
  const next = await startHarness(async (fresh) => {
    for (const { key, value } of kvs) await fresh.put({ key, value });
  });
  expect((await next.call('GET', `${path}/nestor:node`)).status).toBe(404);
  await next.stop();
});
