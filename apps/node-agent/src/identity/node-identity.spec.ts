import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import { type CertificateSigningRequest } from '#api';
import { type ClosableObjectClient } from '#client';
import { ApiError, type KubernetesObject, unauthorized } from '#machinery';
import {
  clusterInfoKubeconfig,
  createAuthority,
  identityOf,
  type KeyPair,
  publicKeyPin,
  signCertificateRequest,
  signDetached,
} from '#pki';
import { silentLogger } from '#telemetry';
import { FakeClock, settle } from '#testing';
import { type Connect, type Credentials } from './api-access';
import { ensureNodeIdentity, type NodeIdentityOptions } from './node-identity';

const dayMs = 86_400_000;
const server = 'https://10.0.0.1:6443';
const bootstrapToken = 'abcdef.0123456789abcdef';

/** A cluster that approves and signs what it is asked for, and who asked. */
class Cluster {
  readonly clock = new FakeClock();
  readonly asked: { readonly signer: string; readonly by: string }[] = [];
  authority!: KeyPair;
  /** Answers that are given instead, one after the other. */
  failures: Error[] = [];
  accepts = (credentials: Credentials): boolean =>
    'token' in credentials
      ? credentials.token === bootstrapToken
      : new X509Certificate(credentials.certificatePem).verify(
          new X509Certificate(this.authority.certificatePem).publicKey,
        );
  decide: (name: string) => CertificateSigningRequest['status'] | undefined = () => undefined;
  lifetimeMs = 10 * dayMs;
  private readonly requests = new Map<string, CertificateSigningRequest>();

  async start(): Promise<this> {
    this.authority = await createAuthority('kubernetes', this.clock.now());
    return this;
  }

  readonly connect: Connect = (_server, _authority, credentials) => {
    const guard = (): void => {
      const failure = this.failures.shift();
      if (failure !== undefined) throw failure;
      if (!this.accepts(credentials)) throw unauthorized();
    };
    const username =
      'token' in credentials ? 'system:bootstrap:abcdef' : identityOf(credentials.certificatePem).commonName;
    const client: Pick<ClosableObjectClient, 'create' | 'get' | 'close'> = {
      create: (async (_resource: unknown, object: KubernetesObject) => {
        await Promise.resolve();
        guard();
        if (object.kind === 'SelfSubjectReview') return { ...object, status: { userInfo: { username } } };
        const request = object as CertificateSigningRequest;
        const name = `csr-${this.requests.size}`;
        this.asked.push({ signer: request.spec.signerName, by: username });
        this.requests.set(name, request);
        return { ...request, metadata: { name } };
      }) as ClosableObjectClient['create'],
      get: (async (_resource: unknown, { name }: { name: string }) => {
        guard();
        const request = this.requests.get(name) as CertificateSigningRequest;
        return { ...request, status: this.decide(name) ?? (await this.issue(request)) };
      }) as ClosableObjectClient['get'],
      close: () => Promise.resolve(),
    };
    return client as ClosableObjectClient;
  };

  readonly fetchText = (_server: string, _path: string): Promise<string> => {
    const kubeconfig = clusterInfoKubeconfig({ server, authorityPem: this.authority.certificatePem });
    const signature = signDetached(kubeconfig, { id: 'abcdef', secret: '0123456789abcdef' });
    return Promise.resolve(JSON.stringify({ data: { kubeconfig, 'jws-kubeconfig-abcdef': signature } }));
  };

  private async issue({ spec }: CertificateSigningRequest): Promise<CertificateSigningRequest['status']> {
    const pem = await signCertificateRequest(this.authority, Buffer.from(spec.request, 'base64').toString(), {
      usages: spec.usages ?? [],
      notBefore: this.clock.now(),
      notAfter: this.clock.now() + this.lifetimeMs,
    });
    return { certificate: Buffer.from(pem).toString('base64') };
  }
}

let cluster: Cluster;
let directory: string;
beforeEach(async () => {
  cluster = await new Cluster().start();
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'node-identity-'));
});
afterEach(() => fs.rm(directory, { recursive: true }));

const options = (more: Partial<NodeIdentityOptions> = {}): NodeIdentityOptions => ({
  nodeName: 'a',
  directory: path.join(directory, 'identity'),
  servers: [server],
  bootstrapToken,
  clock: cluster.clock,
  random: () => 0.5,
  logger: silentLogger(),
  connect: cluster.connect,
  fetchText: cluster.fetchText,
  ...more,
});

/** Lets time pass until the promise is settled. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let isDone = false;
  promise.then(
    () => (isDone = true),
    () => (isDone = true),
  );
  while (!isDone) {
    await cluster.clock.advance(250);
    await settle();
  }
  return promise;
}

const join = (more?: Partial<NodeIdentityOptions>) => inTime(ensureNodeIdentity(options(more)));

/** Lets time pass until something is so; certificates are made in real time. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 5000) throw new Error('it never came to that');
    await cluster.clock.advance(1000);
    await settle();
  }
}

describe('a node that joins', () => {
  it('finds the authority by the token, gets a certificate, and keeps both to itself', async () => {
    const identity = await join({ caHash: publicKeyPin(cluster.authority.certificatePem) });
    expect(identity.authorityPem).toBe(cluster.authority.certificatePem);
    expect(identityOf(identity.current().certificatePem)).toEqual({
      commonName: 'system:node:a',
      organizations: ['system:nodes'],
    });
    expect(cluster.asked).toEqual([
      { signer: 'kubernetes.io/kube-apiserver-client-kubelet', by: 'system:bootstrap:abcdef' },
    ]);
    expect((await fs.readdir(options().directory)).sort()).toEqual(['ca.crt', 'client.pem']);
    for (const file of ['', 'ca.crt', 'client.pem']) {
      const { mode } = await fs.stat(path.join(options().directory, file));
      expect(mode & 0o077).toBe(0);
    }
    await identity.stop();
    expect(cluster.clock.pending).toBe(0);
  });

  it('needs neither token nor answers after a restart', async () => {
    const first = await join();
    await first.stop();
    const again = await join({ bootstrapToken: undefined, connect: () => fail(), fetchText: () => fail() });
    expect(again.current()).toEqual(first.current());
    await again.stop();
  });

  it('joins again when its certificate is damaged, expired or of another name', async () => {
    await (await join()).stop();
    await fs.writeFile(path.join(options().directory, 'client.pem'), 'damaged');
    await (await join()).stop();
    await cluster.clock.advance(11 * dayMs);
    await (await join()).stop();
    await (await join({ nodeName: 'b' })).stop();
    expect(cluster.asked).toHaveLength(4);
    await expect(join({ nodeName: 'c', bootstrapToken: undefined })).rejects.toThrow(
      'node c has no certificate (it is not for system:node:c) and no bootstrap token to get one',
    );
  });

  it('waits for the API to answer', async () => {
    const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 503 } as const;
    cluster.failures = [new ApiError({ ...failure, message: '1' }), new ApiError({ ...failure, message: '2' })];
    const identity = await join({ caPem: cluster.authority.certificatePem, servers: [server, 'https://10.0.0.2'] });
    expect(cluster.failures).toEqual([]);
    await identity.stop();
  });

  it.each<[string, () => Partial<NodeIdentityOptions>, string]>([
    [
      'with a wrong token',
      () => ({ caPem: cluster.authority.certificatePem, bootstrapToken: 'abcdef.aaaaaaaaaaaaaaaa' }),
      'the cluster does not accept the bootstrap token abcdef: it is wrong, expired or deleted',
    ],
    ['whose token did not sign', () => ({ bootstrapToken: 'abcdef.aaaaaaaaaaaaaaaa' }), 'is not signed with the token'],
    [
      'whose token nobody knows',
      () => ({ bootstrapToken: 'aaaaaa.aaaaaaaaaaaaaaaa' }),
      'does not know the token aaaaaa',
    ],
    [
      'with something else for a token',
      () => ({ bootstrapToken: 'secret' }),
      'the bootstrap token must be of the form',
    ],
    ['to another cluster', () => ({ caHash: `sha256:${'0'.repeat(64)}` }), 'not sha256:0000'],
  ])('%s is refused', async (_what, more, message) => {
    await expect(join(more())).rejects.toThrow(message);
    expect(cluster.clock.pending).toBe(0);
  });

  it('is told why its request was denied', async () => {
    cluster.decide = () => ({ conditions: [{ type: 'Denied', status: 'True', reason: 'No', message: 'not here' }] });
    await expect(join()).rejects.toThrow('certificate request csr-0 was denied: No not here');
  });
});

describe('a certificate', () => {
  it('is renewed with itself before it ends, and used until the next one works', async () => {
    const identity = await join();
    const first = identity.current();
    const renewed: KeyPair[] = [];
    identity.onRenewed((pair) => renewed.push(pair));
    await cluster.clock.advance(7.5 * dayMs);
    expect(renewed).toEqual([]);
    cluster.decide = () => ({ conditions: [{ type: 'Denied', status: 'True' }] });
    await cluster.clock.advance(0.6 * dayMs);
    expect(identity.current()).toBe(first);
    cluster.decide = () => undefined;
    await until(() => renewed.length > 0);
    expect(identity.current()).toBe(renewed[0]);
    expect(identity.current()).not.toEqual(first);
    expect(cluster.asked.at(-1)).toEqual({
      signer: 'kubernetes.io/kube-apiserver-client-kubelet',
      by: 'system:node:a',
    });
    await identity.stop();
    const again = await join({ bootstrapToken: undefined });
    expect(again.current()).toEqual(renewed[0]);
    await again.stop();
    expect(cluster.clock.pending).toBe(0);
  });

  it.each([
    [0, 7],
    [0.999, 9],
  ])('is renewed after 70 to 90 %% of its life (random %p: after %p days)', async (random, days) => {
    const identity = await join({ random: () => random });
    await cluster.clock.advance((days - 0.01) * dayMs);
    expect(cluster.asked).toHaveLength(1);
    await cluster.clock.advance(0.02 * dayMs);
    // Keys are made in real time.
    while (cluster.asked.length < 2) await settle();
    await identity.stop();
  });

  it('to serve with is signed by nobody at first, then by the cluster', async () => {
    const identity = await join();
    const serving = await identity.serving({ ipAddresses: ['10.0.0.7'] });
    const provisional = new X509Certificate(serving.current().certificatePem);
    const authorityKey = new X509Certificate(cluster.authority.certificatePem).publicKey;
    expect(provisional.verify(authorityKey)).toBe(false);
    const renewed: KeyPair[] = [];
    serving.onRenewed((pair) => renewed.push(pair));
    await until(() => renewed.length > 0);
    const certificate = new X509Certificate(serving.current().certificatePem);
    expect(certificate.verify(authorityKey)).toBe(true);
    expect(certificate.checkIP('10.0.0.7')).toBe('10.0.0.7');
    expect(certificate.checkHost('a')).toBe('a');
    expect(cluster.asked.at(-1)).toEqual({ signer: 'kubernetes.io/kubelet-serving', by: 'system:node:a' });
    const same = await identity.serving({ ipAddresses: ['10.0.0.7'] });
    expect(same.current()).toEqual(serving.current());
    await identity.stop();
    expect(cluster.clock.pending).toBe(0);
  });
});
