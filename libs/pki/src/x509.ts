// `@peculiar/x509` resolves its dependencies through decorators' metadata.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import crypto, { type webcrypto } from 'node:crypto';
import { type CertificateRequest, type KeyPair } from './certificates';
import { keyUsages } from './key-usages';

cryptoProvider.set(crypto.webcrypto);

export const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;

/** Certificates are valid from a little before they are made: the clocks of nodes differ. */
const skewMs = 5 * 60_000;

/** See `createAuthority` of ./certificates. */
export async function createAuthority(commonName: string, now: number, keyPem?: string): Promise<KeyPair> {
  const keys = keyPem === undefined ? await generateKeys() : await importKeys(keyPem);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    ...validity(now, 3650),
    serialNumber: serialNumber(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      // Go's and browsers' verifiers want a name besides the subject's.
      new SubjectAlternativeNameExtension([{ type: 'dns', value: commonName }]),
    ],
  });
  return { certificatePem: certificate.toString('pem') + '\n', keyPem: exportKey(keys.privateKey) };
}

/** See `issueCertificate` of ./certificates. */
export async function issueCertificate(authority: KeyPair, request: CertificateRequest, now: number): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificatePem = await issueForKey(authority, {
    subject: [
      ...(request.organizations ?? []).map((organization) => ({ O: [organization] })),
      { CN: [request.commonName] },
    ],
    publicKey: keys.publicKey,
    names: [
      ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ],
    usages: ['digital signature', ...request.usages.map((usage) => `${usage} auth`)],
    validity: validity(now, request.days ?? 365),
  });
  return { certificatePem, keyPem: exportKey(keys.privateKey) };
}

/** A certificate for a key that somebody holds. @param usages Kubernetes' names of key usages; unknown ones are an error */
export async function issueForKey(
  authority: KeyPair,
  certified: {
    readonly subject: JsonName;
    readonly publicKey: PublicKey | webcrypto.CryptoKey;
    readonly names: readonly JsonGeneralName[];
    readonly usages: readonly string[];
    readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  },
): Promise<string> {
  const issuer = new crypto.X509Certificate(authority.certificatePem);
  const issuerKeys = await importKeys(authority.keyPem);
  const { flags, extended } = keyUsages(certified.usages);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(flags, true),
    ...(extended.length === 0 ? [] : [new ExtendedKeyUsageExtension([...extended])]),
    await SubjectKeyIdentifierExtension.create(certified.publicKey),
    await AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
  ];
  if (certified.names.length > 0) extensions.push(new SubjectAlternativeNameExtension([...certified.names]));
  const certificate = await X509CertificateGenerator.create({
    subject: certified.subject,
    issuer: subjectOf(issuer),
    publicKey: certified.publicKey,
    signingKey: issuerKeys.privateKey,
    signingAlgorithm: algorithm,
    ...certified.validity,
    serialNumber: serialNumber(),
    extensions,
  });
  return certificate.toString('pem') + '\n';
}

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - skewMs), notAfter: new Date(now + days * dayMs) };
}

/** 128 random bits; the first is 0, since serial numbers are positive (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}

/** Our authorities have a common name only. */
function subjectOf(certificate: crypto.X509Certificate): { CN: string[] }[] {
  const match = /^CN=(.+)$/m.exec(certificate.subject);
  if (match?.[1] === undefined) throw new Error(`the authority has no common name: ${certificate.subject}`);
  return [{ CN: [match[1]] }];
}

export async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function importKeys(keyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = crypto.createPrivateKey(keyPem);
  const publicKey = crypto.createPublicKey(privateKey);
  const { subtle } = crypto.webcrypto;
  return {
    privateKey: await subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), algorithm, true, [
      'sign',
    ]),
    publicKey: await subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), algorithm, true, [
      'verify',
    ]),
  };
}

export function exportKey(key: webcrypto.CryptoKey): string {
  return crypto.KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}
