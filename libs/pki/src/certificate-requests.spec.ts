import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension, cryptoProvider } from '@peculiar/x509';
import crypto, { X509Certificate } from 'node:crypto';
import {
  createCertificateRequest,
  readCertificateRequest,
  readCertificates,
  signCertificateRequest,
} from './certificate-requests';
import { createAuthority } from './certificates';
import { identityOf } from './client-identity';
import { keyUsageNames } from './key-usages';

const now = Date.UTC(2026, 0, 1);

/** As openssl makes them, with another kind of key. */
async function requestWith(algorithm: RsaHashed | EcNamed | { name: 'Ed25519' }): Promise<string> {
  cryptoProvider.set(crypto.webcrypto);
  const keys = (await crypto.webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as crypto.webcrypto.CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['devs'] }, { O: ['ops'] }, { CN: ['jane'] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'jane.example.com' },
        { type: 'ip', value: '10.0.0.1' },
        { type: 'email', value: 'jane@example.com' },
        { type: 'url', value: 'https://example.com/jane' },
      ]),
    ],
  });
  return request.toString('pem');
}
interface RsaHashed {
  readonly name: 'RSASSA-PKCS1-v1_5';
  readonly hash: 'SHA-256' | 'SHA-512';
  readonly modulusLength: number;
  readonly publicExponent: Uint8Array;
}
interface EcNamed {
  readonly name: 'ECDSA';
  readonly namedCurve: 'P-384';
  readonly hash: 'SHA-384';
}
const rsa = (hash: RsaHashed['hash']): RsaHashed => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash,
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
});

describe('certificate requests', () => {
  it.each([
    ['RSA', rsa('SHA-256')],
    ['RSA and SHA-512', rsa('SHA-512')],
    ['EC P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const],
    ['Ed25519', { name: 'Ed25519' } as const],
  ])('of %s keys are read, checked and signed', async (_what, algorithm) => {
    const pem = await requestWith(algorithm);
    expect(readCertificateRequest(pem)).toEqual({
      commonName: 'jane',
      organizations: ['devs', 'ops'],
      dnsNames: ['jane.example.com'],
      ipAddresses: ['10.0.0.1'],
      emailAddresses: ['jane@example.com'],
      uris: ['https://example.com/jane'],
    });
    const authority = await createAuthority('test', now);
    const signed = await signCertificateRequest(authority, pem, {
      usages: keyUsageNames,
      notBefore: now,
      notAfter: now + 3_600_000,
    });
    const certificate = new X509Certificate(signed);
    expect(identityOf(signed)).toEqual({ commonName: 'jane', organizations: ['devs', 'ops'] });
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    expect(certificate.subjectAltName).toContain('DNS:jane.example.com');
    expect(certificate.ca).toBe(false);
    expect(readCertificates(signed)).toHaveLength(1);
  });

  it('are signed by the key that they are for', async () => {
    const { requestPem, keyPem } = await createCertificateRequest({ commonName: 'a', dnsNames: ['a'] });
    expect(readCertificateRequest(requestPem)).toMatchObject({ commonName: 'a', dnsNames: ['a'], organizations: [] });
    const authority = await createAuthority('test', now);
    const options = { usages: ['client auth'], notBefore: now, notAfter: now + 1000 };
    const certificate = new X509Certificate(await signCertificateRequest(authority, requestPem, options));
    expect(certificate.checkPrivateKey(crypto.createPrivateKey(keyPem))).toBe(true);
    await expect(signCertificateRequest(authority, requestPem, { ...options, usages: ['fly'] })).rejects.toThrow(
      'unrecognized usage values: ["fly"]',
    );
  });

  it.each(['', 'x', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])('are not %j', (text) => {
    expect(() => readCertificateRequest(text)).toThrow('PEM block type must be CERTIFICATE REQUEST');
  });

  it('are not what only looks like one', () => {
    const text = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----';
    expect(() => readCertificateRequest(text)).toThrow('asn1: structure error');
  });
});
