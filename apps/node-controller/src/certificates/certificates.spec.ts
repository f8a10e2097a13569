import { X509Certificate } from 'node:crypto';
import { type CertificateSigningRequest, type Node, type SubjectAccessReview, resources } from '#api';
import { type ObjectClient } from '#client';
import { type Reconciler } from '#controller';
import { type KubernetesObject } from '#machinery';
import { createAuthority, createCertificateRequest, identityOf, type KeyPair } from '#pki';
import { FakeClock, FakeCluster, node, startReconciler } from '#testing';
import { type NodeControllerConfig } from '../config';
import { CsrApprovingReconciler } from './csr-approving.reconciler';
import { CsrCleanerReconciler } from './csr-cleaner.reconciler';
import { CsrSigningReconciler } from './csr-signing.reconciler';
import { KubeletServingApproverReconciler } from './kubelet-serving-approver.reconciler';

const hourMs = 3_600_000;
const clientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
const servingSigner = 'kubernetes.io/kubelet-serving';
const start = Date.UTC(2026, 0, 1);
let authority: KeyPair;
beforeAll(async () => {
  authority = await createAuthority('kubernetes', start);
});

interface Asked {
  readonly commonName?: string;
  readonly organizations?: string[];
  readonly dnsNames?: string[];
  readonly ipAddresses?: string[];
  readonly spec?: Partial<CertificateSigningRequest['spec']>;
  readonly status?: CertificateSigningRequest['status'];
}

async function csr(asked: Asked = {}): Promise<CertificateSigningRequest> {
  const { commonName = 'system:node:a', organizations = ['system:nodes'], spec, status, ...names } = asked;
  const { requestPem } = await createCertificateRequest({ commonName, organizations, ...names });
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'r' },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: clientSigner,
      usages: ['digital signature', 'client auth'],
      username: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers'],
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
}

const approval = { type: 'Approved', status: 'True', lastUpdateTime: '2026-01-01T00:00:00Z' };
const approved = { conditions: [approval] };

type ReconcilerClass = new (
  dependencies: ReturnType<FakeCluster['dependencies']>,
  config: NodeControllerConfig,
) => Reconciler;

/** @param rights the subresources for which a SubjectAccessReview says yes */
function run(
  cluster: FakeCluster,
  Class: ReconcilerClass,
  more: Partial<NodeControllerConfig> = {},
  rights: string[] = [],
) {
  const client = {
    ...cluster.client,
    create: ((resource, object) => {
      if (resource.kind !== 'SubjectAccessReview') return cluster.client.create(resource, object);
      const { spec } = object as KubernetesObject as SubjectAccessReview;
      const { subresource = '' } = spec.resourceAttributes ?? {};
      return Promise.resolve({ ...object, status: { allowed: rights.includes(subresource) } });
    }) as ObjectClient['create'],
  };
  const config = { clientAs: () => client, clusterCidr: '10.0.0.0/16', signingAuthority: authority, ...more };
  return startReconciler(cluster, new Class(cluster.dependencies(), config));
}

const found = (cluster: FakeCluster) => cluster.get(resources.certificateSigningRequests, 'r');
const conditions = (cluster: FakeCluster) =>
  found(cluster)?.status?.conditions?.map(({ type, reason, message }) => [type, reason, message]);

describe('approval', () => {
  it.each<[string, Asked, string[], string | undefined]>([
    [
      'of a new node, to whoever may',
      {},
      ['nodeclient'],
      'Auto approving kubelet client certificate after SubjectAccessReview.',
    ],
    ['of a new node, to nobody else', {}, [], undefined],
    [
      'to a node for itself',
      { spec: { username: 'system:node:a' } },
      ['selfnodeclient'],
      'Auto approving self kubelet client certificate after SubjectAccessReview.',
    ],
    ['to a node for another', { spec: { username: 'system:node:b' } }, ['selfnodeclient'], undefined],
    ['of other groups', { organizations: ['system:masters'] }, ['nodeclient'], undefined],
    ['of more groups', { organizations: ['system:nodes', 'x'] }, ['nodeclient'], undefined],
    ['of names', { dnsNames: ['a'] }, ['nodeclient'], undefined],
    ['of other users', { commonName: 'jane' }, ['nodeclient'], undefined],
    ['of other usages', { spec: { usages: ['digital signature', 'server auth'] } }, ['nodeclient'], undefined],
    ['for other signers', { spec: { signerName: 'kubernetes.io/kube-apiserver-client' } }, ['nodeclient'], undefined],
    ['of what was denied', { status: { conditions: [{ type: 'Denied', status: 'True' }] } }, ['nodeclient'], undefined],
  ])('%s', async (_what, asked, rights, message) => {
    const cluster = new FakeCluster().add(await csr(asked));
    const passes = run(cluster, CsrApprovingReconciler, {}, rights);
    await passes.settled();
    if (message === undefined) expect(cluster.takeWrites()).toEqual([]);
    else expect(conditions(cluster)).toEqual([['Approved', 'AutoApproved', message]]);
    passes.stop();
  });
});

describe('approval of serving certificates', () => {
  const addressed = (name: string, ...addresses: string[]): Node => {
    const built = node(name).build();
    return { ...built, status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) } };
  };
  const serving = (names: Partial<Asked>, username = 'system:node:a', groups = ['system:nodes']) =>
    csr({
      dnsNames: ['a'],
      ...names,
      spec: { signerName: servingSigner, usages: ['digital signature', 'server auth'], username, groups },
    });

  it.each<[string, () => Promise<CertificateSigningRequest>, boolean]>([
    ['for its name and address', () => serving({ ipAddresses: ['10.0.0.1'] }), true],
    ['for an address in another form', () => serving({ ipAddresses: ['fd00:0::1'] }), true],
    ['for another name', () => serving({ dnsNames: ['kubernetes.default.svc'] }), false],
    ['for another address', () => serving({ ipAddresses: ['10.0.0.2'] }), false],
    ['for itself by another node', () => serving({}, 'system:node:b'), false],
    ['without being a node', () => serving({}, 'system:node:a', []), false],
    ['for a node that is not there', () => serving({ commonName: 'system:node:c' }, 'system:node:c'), false],
  ])('%s: %p', async (_what, request, isApproved) => {
    const cluster = new FakeCluster().add(addressed('a', '10.0.0.1', 'fd00::1'), await request());
    const passes = run(cluster, KubeletServingApproverReconciler);
    await passes.settled();
    expect(found(cluster)?.status?.conditions?.[0]?.type).toBe(isApproved ? 'Approved' : undefined);
    passes.stop();
  });

  it('waits for the node to tell its address', async () => {
    const cluster = new FakeCluster().add(addressed('a'), await serving({ ipAddresses: ['10.0.0.1'] }));
    const passes = run(cluster, KubeletServingApproverReconciler);
    await passes.settled();
    expect(conditions(cluster)).toBeUndefined();
    cluster.edit(resources.nodes, 'a', (object) => (object.status = addressed('a', '10.0.0.1').status));
    await passes.settled();
    expect(conditions(cluster)).toHaveLength(1);
    passes.stop();
  });

  it('can be left to people', async () => {
    const cluster = new FakeCluster().add(addressed('a', '10.0.0.1'), await serving({}));
    const passes = run(cluster, KubeletServingApproverReconciler, { approvesServingCertificates: false });
    await passes.settled();
    expect(conditions(cluster)).toBeUndefined();
    passes.stop();
  });
});

describe('signing', () => {
  const sign = async (asked: Asked, more: Partial<NodeControllerConfig> = {}) => {
    const cluster = new FakeCluster({ clock: new FakeClock(start) }).add(await csr(asked));
    const passes = run(cluster, CsrSigningReconciler, more);
    await passes.settled();
    passes.stop();
    const { certificate } = found(cluster)?.status ?? {};
    return { cluster, pem: certificate === undefined ? undefined : Buffer.from(certificate, 'base64').toString() };
  };

  it('issues what was approved', async () => {
    const { pem = '' } = await sign({ status: approved });
    const certificate = new X509Certificate(pem);
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    expect(identityOf(pem)).toEqual({ commonName: 'system:node:a', organizations: ['system:nodes'] });
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validFrom)).toBe(start - 300_000);
    expect(Date.parse(certificate.validTo)).toBe(start + 365 * 24 * hourMs - 300_000);
  });

  it.each([
    [3600, hourMs],
    [600, 600_000],
    [86_400, 24 * hourMs - 300_000],
    [100 * 365 * 86_400, 365 * 24 * hourMs - 300_000],
  ])('for %p s lasts %p ms', async (expirationSeconds, lastsMs) => {
    const { pem = '' } = await sign({ status: approved, spec: { expirationSeconds } });
    expect(Date.parse(new X509Certificate(pem).validTo) - start).toBe(lastsMs);
  });

  it('never outlives the authority', async () => {
    const { pem = '' } = await sign({ status: approved }, { signingDurationMs: 20 * 365 * 24 * hourMs });
    expect(new X509Certificate(pem).validTo).toBe(new X509Certificate(authority.certificatePem).validTo);
  });

  it.each<[string, Asked]>([
    ['what nobody approved', {}],
    ['what was denied', { status: { conditions: [approval, { type: 'Denied', status: 'True' }] } }],
    ['what failed', { status: { conditions: [approval, { type: 'Failed', status: 'True' }] } }],
    ["another signer's", { status: approved, spec: { signerName: 'example.com/s' } }],
  ])('leaves %s alone', async (_what, asked) => {
    const { cluster } = await sign(asked);
    expect(cluster.takeWrites()).toEqual([]);
  });

  it.each<[Asked, string]>([
    [{ organizations: [] }, 'subject organization is not system:nodes'],
    [{ ipAddresses: ['10.0.0.1'] }, 'IP subjectAltNames are not allowed'],
    [{ commonName: 'jane' }, 'subject common name does not begin with system:node:'],
    [{ spec: { usages: ['any'] } }, 'usages did not match [client auth digital signature key encipherment]'],
    [{ spec: { signerName: servingSigner } }, 'DNS or IP subjectAltName is required'],
    [
      { spec: { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['server auth'] } },
      'invalid usage for client certificate: server auth',
    ],
    [
      { spec: { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['digital signature'] } },
      'missing required usage for client certificate: client auth',
    ],
  ])('says of %j: %s', async (asked, message) => {
    const { cluster, pem } = await sign({ ...asked, status: approved });
    expect(pem).toBeUndefined();
    expect(conditions(cluster)?.[1]).toEqual(['Failed', 'SignerValidationFailure', message]);
  });
});

describe('requests go', () => {
  const since = (type: string) => ({ conditions: [{ type, status: 'True', lastUpdateTime: '2026-01-01T00:00:00Z' }] });
  it.each<[string, CertificateSigningRequest['status'], number]>([
    ['when nobody decided', {}, 24 * hourMs],
    ['when denied', since('Denied'), hourMs],
    ['when failed', since('Failed'), hourMs],
    ['when issued', { ...since('Approved'), certificate: 'x' }, hourMs],
  ])('%s, after their time', async (_what, status, lifetimeMs) => {
    const cluster = new FakeCluster({ clock: new FakeClock(start) });
    const certificate = Buffer.from(authority.certificatePem).toString('base64');
    const request = await csr({ status: status?.certificate === undefined ? status : { ...status, certificate } });
    cluster.add(request);
    const passes = run(cluster, CsrCleanerReconciler);
    await passes.settled();
    await cluster.clock.advance(lifetimeMs - 1000);
    await passes.settled();
    expect(found(cluster)).toBeDefined();
    await cluster.clock.advance(2000);
    await passes.settled();
    expect(found(cluster)).toBeUndefined();
    passes.stop();
  });
});
