import { FakeClock } from '#testing';
import crypto, { X509Certificate } from 'node:crypto';
import fs from 'node:fs/promises';
import https from 'node:https';
import { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TLSSocket } from 'node:tls';
import { type CertificateRequest, adminRequest, apiServerRequest, ensurePki, identityOf, nodeRequest } from '../index';

const day = 86_400_000;
const certificates = {
  apiserver: apiServerRequest({ serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' }),
  admin: adminRequest(),
};

let directory: string;

beforeEach(async () => {
  directory = path.join(await fs.mkdtemp(path.join(os.tmpdir(), 'pki-')), 'pki');
});

afterEach(async () => {
  await fs.rm(path.dirname(directory), { recursive: true });
});

describe('ensurePki', () => {
  it('makes everything once, for its owner only, and loads it afterwards', async () => {
    const first = await ensurePki(directory, { certificates });
    expect(first.issued).toEqual(['apiserver', 'admin']);
    const second = await ensurePki(directory, { certificates });
    expect(second.issued).toEqual([]);
    expect({ ...second, issued: [] }).toEqual({ ...first, issued: [] });

    expect((await fs.stat(directory)).mode & 0o777).toBe(0o700);
    const files = await fs.readdir(directory);
    expect(files.sort()).toEqual([
      'admin.crt',
      'admin.key',
      'apiserver.crt',
      'apiserver.key',
      'ca.crt',
      'ca.key',
      'service-account.key',
    ]);
    for (const file of files) expect((await fs.stat(path.join(directory, file))).mode & 0o777).toBe(0o600);
  });

  it('serves TLS to clients that it identifies', async () => {
    const { authority, certificates: pairs } = await ensurePki(directory, { certificates });
    const server = https.createServer(
      {
        cert: pairs.apiserver.certificatePem,
        key: pairs.apiserver.keyPem,
        ca: authority.certificatePem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) =>
        response.end(JSON.stringify(identityOf((request.socket as TLSSocket).getPeerCertificate().raw))),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const body = await new Promise<string>((resolve, reject) => {
        const { port } = server.address() as AddressInfo;
        const options = {
          ca: authority.certificatePem,
          cert: pairs.admin.certificatePem,
          key: pairs.admin.keyPem,
          agent: false,
        };
        https
          .get(`https://localhost:${port}/`, { ...options, lookup: undefined, family: 4 }, (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
            response.on('end', () => resolve(text));
          })
          .on('error', reject);
      });
      expect(JSON.parse(body)).toEqual({ commonName: 'kubernetes-admin', organizations: ['system:masters'] });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it.each<[string, CertificateRequest]>([
    ['a new address', { ...certificates.apiserver, ipAddresses: ['127.0.0.1', '192.0.2.7'] }],
    ['a new name', { ...certificates.apiserver, dnsNames: ['kubernetes', 'api.example.com'] }],
    ['another user', { ...certificates.apiserver, commonName: 'other' }],
    ['another group', { ...certificates.apiserver, organizations: ['system:masters'] }],
    ['another use', { ...certificates.apiserver, usages: ['server', 'client'] }],
  ])('issues a certificate again for %s, and only that one', async (_why, apiserver) => {
    await ensurePki(directory, { certificates });
    const changed = await ensurePki(directory, { certificates: { ...certificates, apiserver } });
    expect(changed.issued).toEqual(['apiserver']);
    expect((await ensurePki(directory, { certificates: { ...certificates, apiserver } })).issued).toEqual([]);
  });

  it('renews before a certificate expires, under the same authority', async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 1));
    const first = await ensurePki(directory, { certificates, clock });
    await clock.advance(250 * day);
    expect((await ensurePki(directory, { certificates, clock })).issued).toEqual([]);
    await clock.advance(60 * day);
    const renewed = await ensurePki(directory, { certificates, clock });
    expect(renewed.issued).toEqual(['apiserver', 'admin']);
    expect(renewed.authority).toEqual(first.authority);
  });

  it('accepts clocks that are a few minutes behind', async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 1));
    const { authority } = await ensurePki(directory, { certificates, clock });
    expect(Date.parse(new X509Certificate(authority.certificatePem).validFrom)).toBeLessThanOrEqual(
      clock.now() - 60_000,
    );
  });

  it('finishes what a crash interrupted', async () => {
    const first = await ensurePki(directory, { certificates });
    await fs.rm(path.join(directory, 'ca.crt'));
    await fs.rm(path.join(directory, 'admin.crt'));
    const second = await ensurePki(directory, { certificates });
    expect(second.authority.keyPem).toBe(first.authority.keyPem);
    // Certificates under the old one still verify: the key is the same.
    expect(second.issued).toEqual(['admin']);
    const root = new X509Certificate(second.authority.certificatePem);
    expect(new X509Certificate(first.certificates.apiserver.certificatePem).verify(root.publicKey)).toBe(true);
  });

  it.each([
    ['ca.key', 'garbage', 'is damaged'],
    ['ca.crt', 'garbage', 'is damaged'],
    ['service-account.key', '', 'is damaged'],
  ])('refuses a damaged %s instead of replacing it', async (file, contents, message) => {
    await ensurePki(directory, { certificates });
    await fs.writeFile(path.join(directory, file), contents);
    await expect(ensurePki(directory, { certificates })).rejects.toThrow(`${path.join(directory, file)} ${message}`);
    expect(await fs.readFile(path.join(directory, file), 'utf8')).toBe(contents);
  });

  it('refuses an authority without its key, or with another one', async () => {
    await ensurePki(directory, { certificates });
    const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await fs.writeFile(path.join(directory, 'ca.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await expect(ensurePki(directory, { certificates })).rejects.toThrow('do not belong together');
    await fs.rm(path.join(directory, 'ca.key'));
    await expect(ensurePki(directory, { certificates })).rejects.toThrow('ca.key is missing');
  });

  it('replaces damaged certificates and takes rights away from others', async () => {
    await ensurePki(directory, { certificates });
    await fs.writeFile(path.join(directory, 'admin.key'), 'garbage');
    await fs.chmod(path.join(directory, 'apiserver.key'), 0o644);
    await fs.chmod(directory, 0o755);
    expect((await ensurePki(directory, { certificates })).issued).toEqual(['admin']);
    expect((await fs.stat(path.join(directory, 'apiserver.key'))).mode & 0o777).toBe(0o600);
    expect((await fs.stat(directory)).mode & 0o777).toBe(0o700);
  });

  it('gives nodes their identity', async () => {
    const pki = await ensurePki(directory, { certificates: { 'node-a': nodeRequest('a', ['192.0.2.1']) } });
    expect(identityOf(pki.certificates['node-a'].certificatePem)).toEqual({
      commonName: 'system:node:a',
      organizations: ['system:nodes'],
    });
  });
});
