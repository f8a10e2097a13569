import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CertificateSigningRequest, type Node, type Pod, resources } from '#api';
import { type ClosableObjectClient, createHttpClient } from '#client';
import { systemClock } from '#machinery';
import { createCertificateRequest, identityOf, type KeyPair, readKubeconfig } from '#pki';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';

const run = promisify(execFile);
const nestor = join(__dirname, '../../bin/nestor');
const theirs = hostname().toLowerCase();

/** A machine that joins a running cluster by its token, and what it then may. */
describe('a node that joins', () => {
  const cluster = new NestorCluster({ runtime: 'fake' });
  const home = mkdtempSync(join(tmpdir(), 'nestor-node-'));
  const clients: ClosableObjectClient[] = [];
  let joinArguments: string[] = [];
  let worker: ClosableObjectClient;

  /** Runs the command that `token create` printed, on another "machine". */
  const joinAs = async (name: string, words = joinArguments): Promise<string> => {
    const rest = [...words.slice(1), '--node-name', name, '--data-dir', join(home, name), '--identity-only'];
    const { stdout } = await run(process.execPath, [nestor, ...rest]);
    return stdout;
  };
  const createToken = async (...more: string[]): Promise<string[]> =>
    (await cluster.nestor('token', 'create', ...more)).stdout.trim().split(' ');
  const credentialsOf = (name: string): ReturnType<typeof readKubeconfig> =>
    readKubeconfig(readFileSync(join(home, name, 'identity/kubelet.conf'), 'utf8'));
  const clientOf = (credentials: KeyPair | { token: string } | undefined): ClosableObjectClient => {
    const { server, authorityPem } = readKubeconfig(readFileSync(cluster.kubeconfig, 'utf8'));
    const who =
      credentials === undefined
        ? {}
        : 'token' in credentials
          ? credentials
          : { cert: credentials.certificatePem, key: credentials.keyPem };
    const client = createHttpClient({
      server,
      ca: authorityPem,
      clock: systemClock,
      random: Math.random,
      userAgent: 'test/1',
      ...who,
    });
    clients.push(client);
    return client;
  };
  const nodeKey = (name: string) => ({ namespace: '', name });
  const csr = async (
    spec: Partial<CertificateSigningRequest['spec']>,
    subject: Parameters<typeof createCertificateRequest>[0],
  ): Promise<CertificateSigningRequest> => ({
    metadata: { generateName: 'test-' },
    spec: {
      request: Buffer.from((await createCertificateRequest(subject)).requestPem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
      ...spec,
    },
  });
  const issued = async (client: ClosableObjectClient, name: string): Promise<string> => {
    const request = await client.get(resources.certificateSigningRequests, nodeKey(name));
    const { certificate } = request.status ?? {};
    if (certificate === undefined) throw new Error('no certificate yet');
    return Buffer.from(certificate, 'base64').toString();
  };

  beforeAll(async () => {
    await cluster.up();
    joinArguments = await createToken('--description', 'for a test');
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await cluster.purge();
    for (const directory of [cluster.home, home]) rmSync(directory, { recursive: true, force: true });
  });

  it('is told how by the token that was made for it', async () => {
    expect(joinArguments.join(' ')).toMatch(
      /^nestor node join --server https:\/\/\S+:\d+ --token [a-z0-9]{6}\.[a-z0-9]{16} --ca-hash sha256:[0-9a-f]{64}$/,
    );
    const { stdout } = await cluster.nestor('token', 'list');
    expect(stdout).toMatch(/^TOKEN +TTL +EXPIRES +USAGES +DESCRIPTION +EXTRA GROUPS\n/);
    expect(stdout).toMatch(
      / 23h +\S+ +authentication,signing +for a test +system:bootstrappers:kubeadm:default-node-token/,
    );
  });

  it('gets a certificate, and keeps it to itself', async () => {
    expect(await joinAs('worker')).toContain('Node worker has joined the cluster at https://');
    const { credentials } = credentialsOf('worker');
    expect(identityOf((credentials as KeyPair).certificatePem)).toEqual({
      commonName: 'system:node:worker',
      organizations: ['system:nodes'],
    });
    expect(statSync(join(home, 'worker/identity')).mode & 0o077).toBe(0);
    expect(statSync(join(home, 'worker/identity/client.pem')).mode & 0o077).toBe(0);
    worker = clientOf(credentials);
    // A second time it needs no token.
    await joinAs('worker', joinArguments.slice(0, 5));
  });

  it('registers itself, and no other', async () => {
    const node = (name: string): Node => ({ metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
    await expect(worker.get(resources.nodes, nodeKey('worker'))).rejects.toMatchObject({ code: 404 });
    await worker.create(resources.nodes, node('worker'));
    await expect(worker.create(resources.nodes, node('other'))).rejects.toThrow(
      'nodes "other" is forbidden: node "worker" is not allowed to modify node "other"',
    );
    await expect(
      worker.patch(resources.nodes, nodeKey(theirs), 'merge', { metadata: { labels: { x: 'y' } } }),
    ).rejects.toThrow(`node "worker" is not allowed to modify node "${theirs}"`);
    const taint = { key: 'example.com/mine', effect: 'NoSchedule' };
    await expect(
      worker.patch(resources.nodes, nodeKey('worker'), 'strategic', { spec: { taints: [taint] } }),
    ).rejects.toThrow('node "worker" is not allowed to modify taints');
    await expect(worker.delete(resources.nodes, nodeKey('worker'))).rejects.toThrow(
      'User "system:node:worker" cannot delete resource "nodes"',
    );
  });

  it('sees its own pods and what they need, and nothing of others', async () => {
    const pod = (name: string, nodeName: string): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', name },
      spec: {
        nodeName,
        containers: [{ name: 'c', image: 'i:1', envFrom: [{ secretRef: { name: `${name}-secret` } }] }],
      },
    });
    for (const [name, node] of [
      ['mine', 'worker'],
      ['foreign', theirs],
    ] as const) {
      await cluster.kubectl('create', 'secret', 'generic', `${name}-secret`, '--from-literal=a=b');
      await cluster.kubectlWith(JSON.stringify(pod(name, node)), 'apply', '-f', '-');
    }
    const inDefault = (name: string) => ({ namespace: 'default', name });
    expect((await worker.get(resources.secrets, inDefault('mine-secret'))).data).toEqual({ a: 'Yg==' });
    await expect(worker.get(resources.secrets, inDefault('foreign-secret'))).rejects.toThrow(
      'secrets "foreign-secret" is forbidden: User "system:node:worker" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node \'worker\' and this object',
    );
    const own = await worker.list(resources.pods, { fieldSelector: 'spec.nodeName=worker' });
    expect(own.items.map(({ metadata }) => metadata?.name)).toEqual(['mine']);
    await expect(worker.list(resources.pods)).rejects.toThrow(
      'can only list/watch pods with spec.nodeName field selector',
    );
    const status = { status: { message: 'seen' } };
    const options = { subresource: 'status' };
    await worker.patch(resources.pods, inDefault('mine'), 'strategic', status, options);
    await expect(worker.patch(resources.pods, inDefault('foreign'), 'strategic', status, options)).rejects.toThrow(
      'node "worker" can only update pod status for pods with spec.nodeName set to itself',
    );
    await expect(worker.delete(resources.pods, inDefault('foreign'))).rejects.toThrow(
      'node "worker" can only delete pods with spec.nodeName set to itself',
    );
    const bound = async (name: string) => {
      const { uid } = JSON.parse(await cluster.kubectl('get', 'pod', name, '-o', 'json')).metadata as { uid: string };
      return { spec: { audiences: [], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } } };
    };
    const account = inDefault('default');
    await worker.createSubresource(resources.serviceAccounts, account, 'token', await bound('mine'));
    await expect(
      worker.createSubresource(resources.serviceAccounts, account, 'token', await bound('foreign')),
    ).rejects.toThrow('node requested token bound to a pod scheduled on a different node');
    await worker.delete(resources.pods, inDefault('mine'), { gracePeriodSeconds: 0 });
  });

  it('renews its certificate with the one that it has', async () => {
    const subject = { commonName: 'system:node:worker', organizations: ['system:nodes'] };
    const request = await worker.create(
      resources.certificateSigningRequests,
      await csr({ expirationSeconds: 600 }, subject),
    );
    const name = request.metadata?.name ?? '';
    const pem = await eventually(() => issued(worker, name));
    expect(identityOf(pem).commonName).toBe('system:node:worker');
    expect(await cluster.kubectl('get', 'csr', name, '-o', 'jsonpath={.status.conditions[0].message}')).toBe(
      'Auto approving self kubelet client certificate after SubjectAccessReview.',
    );
    await expect(
      worker.create(
        resources.certificateSigningRequests,
        await csr({}, { ...subject, commonName: 'system:node:other' }),
      ),
    ).rejects.toThrow('can only create a node CSR with CN=system:node:worker');
  });

  it('gets a serving certificate for its own name and address', async () => {
    const serving = { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] };
    const subject = { commonName: 'system:node:worker', organizations: ['system:nodes'], dnsNames: ['worker'] };
    const status = { status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] } };
    await worker.patch(resources.nodes, nodeKey('worker'), 'strategic', status, { subresource: 'status' });
    const good = await csr(serving, { ...subject, ipAddresses: ['192.0.2.7'] });
    const bad = await csr(serving, { ...subject, ipAddresses: ['192.0.2.8'] });
    const refused = await worker.create(resources.certificateSigningRequests, bad);
    const request = await worker.create(resources.certificateSigningRequests, good);
    await eventually(() => issued(worker, request.metadata?.name ?? ''));
    expect(await cluster.kubectl('get', 'csr', refused.metadata?.name ?? '')).toMatch(/ Pending\n$/);
  });

  it.each([
    [
      'wrong',
      (words: string[]) => Promise.resolve(words.map((word) => word.replace(/\.[a-z0-9]{16}$/, '.aaaaaaaaaaaaaaaa'))),
      'is not signed with the token',
    ],
    [
      'that is for another authority',
      (words: string[]) => Promise.resolve([...words.slice(0, -1), `sha256:${'0'.repeat(64)}`]),
      'has the key sha256:',
    ],
  ])('is refused with a token %s', async (_what, change, message) => {
    await expect(joinAs('refused', await change(joinArguments))).rejects.toThrow(message);
  });

  it('is refused with a token that was deleted or has expired', async () => {
    const asBootstrapper = (words: string[]) => clientOf({ token: words[words.indexOf('--token') + 1] ?? '' });
    const ask = async (client: ClosableObjectClient) =>
      client.create(
        resources.certificateSigningRequests,
        await csr({}, { commonName: 'system:node:late', organizations: ['system:nodes'] }),
      );
    const deleted = await createToken();
    await ask(asBootstrapper(deleted));
    const token = deleted[deleted.indexOf('--token') + 1] ?? '';
    expect((await cluster.nestor('token', 'delete', token)).stdout).toBe(
      `bootstrap token "${token.slice(0, 6)}" deleted\n`,
    );
    await expect(ask(asBootstrapper(deleted))).rejects.toMatchObject({ code: 401 });

    const short = await createToken('--ttl', '2s');
    await eventually(() => expect(ask(asBootstrapper(short))).rejects.toMatchObject({ code: 401 }));
    const id = short[short.indexOf('--token') + 1]?.slice(0, 6) ?? '';
    await eventually(async () => expect((await cluster.nestor('token', 'list')).stdout).not.toContain(id));
  });

  it('may do nothing but ask, as long as it has only a token', async () => {
    const bootstrapper = clientOf({ token: joinArguments[joinArguments.indexOf('--token') + 1] ?? '' });
    await expect(bootstrapper.list(resources.secrets, { namespace: 'kube-system' })).rejects.toMatchObject({
      code: 403,
    });
    await expect(bootstrapper.list(resources.pods)).rejects.toMatchObject({ code: 403 });
    const anonymous = clientOf(undefined);
    const info = { namespace: 'kube-public', name: 'cluster-info' };
    expect((await anonymous.get(resources.configMaps, info)).data?.kubeconfig).toContain('certificate-authority-data');
    await expect(anonymous.list(resources.configMaps, { namespace: 'kube-public' })).rejects.toMatchObject({
      code: 403,
    });
  });

  it('is one of many whom people may give certificates', async () => {
    const signerName = 'kubernetes.io/kube-apiserver-client';
    const admin = clientOf(readKubeconfig(readFileSync(cluster.kubeconfig, 'utf8')).credentials);
    const request = await admin.create(
      resources.certificateSigningRequests,
      await csr({ signerName }, { commonName: 'jane', organizations: ['devs'] }),
    );
    const name = request.metadata?.name ?? '';
    expect(await cluster.kubectl('certificate', 'approve', name)).toContain(' approved\n');
    expect(identityOf(await eventually(() => issued(admin, name))).organizations).toEqual(['devs']);
    const masters = await csr({ signerName }, { commonName: 'jane', organizations: ['system:masters'] });
    await expect(admin.create(resources.certificateSigningRequests, masters)).rejects.toThrow(
      'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
  });
});
