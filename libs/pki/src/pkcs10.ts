// `@peculiar/x509` resolves its dependencies through decorators' metadata.
import 'reflect-metadata';
import {
  type JsonGeneralName,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import crypto from 'node:crypto';
import { CertificateRequestError } from './certificate-request-error';
import { type CertificateRequestOptions, type RequestedSubject, type SigningOptions } from './certificate-requests';
import { type KeyPair } from './certificates';
import { algorithm, exportKey, generateKeys, issueForKey } from './x509';

/** See `createCertificateRequest` of ./certificate-requests. */
export async function createRequest(
  options: CertificateRequestOptions,
): Promise<{ readonly requestPem: string; readonly keyPem: string }> {
  const keys = await generateKeys();
  const names: JsonGeneralName[] = [
    ...(options.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(options.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [
      ...(options.organizations ?? []).map((organization) => ({ O: [organization] })),
      { CN: [options.commonName] },
    ],
    keys,
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
  });
  return { requestPem: request.toString('pem') + '\n', keyPem: exportKey(keys.privateKey) };
}

/** See `readCertificateRequest` of ./certificate-requests. */
export function readRequest(der: Buffer): RequestedSubject {
  const request = parse(der);
  verifySignature(request, der);
  const names = alternativeNames(request);
  const valuesOf = (type: JsonGeneralName['type']): string[] =>
    names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: request.subjectName.getField('CN').at(-1) ?? '',
    organizations: request.subjectName.getField('O'),
    dnsNames: valuesOf('dns'),
    ipAddresses: valuesOf('ip'),
    emailAddresses: valuesOf('email'),
    uris: valuesOf('url'),
  };
}

/** See `signCertificateRequest` of ./certificate-requests. */
export async function signRequest(authority: KeyPair, der: Buffer, options: SigningOptions): Promise<string> {
  const request = parse(der);
  verifySignature(request, der);
  return issueForKey(authority, {
    subject: request.subjectName.toJSON(),
    publicKey: request.publicKey,
    names: alternativeNames(request),
    usages: options.usages,
    validity: { notBefore: new Date(options.notBefore), notAfter: new Date(options.notAfter) },
  });
}

function parse(der: Buffer): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(der);
  } catch (cause) {
    throw new CertificateRequestError('asn1: structure error: not a certificate request', { cause });
  }
}

function alternativeNames(request: Pkcs10CertificateRequest): JsonGeneralName[] {
  const known = new Set<JsonGeneralName['type']>(['dns', 'ip', 'email', 'url']);
  return request.extensions
    .filter((extension) => extension instanceof SubjectAlternativeNameExtension)
    .flatMap((extension) => extension.names.toJSON())
    .filter(({ type }) => known.has(type));
}

const failures: Readonly<Record<string, string>> = {
  ec: 'x509: ECDSA verification failure',
  rsa: 'crypto/rsa: verification error',
  ed25519: 'x509: Ed25519 verification failure',
};

/** Synchronous, unlike the library's, because validation of objects is. */
function verifySignature(request: Pkcs10CertificateRequest, der: Buffer): void {
  const { hash } = request.signatureAlgorithm as { hash?: { name?: string } };
  let isValid = false;
  let type = '';
  try {
    const key = crypto.createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
    type = key.asymmetricKeyType ?? '';
    const digest = type === 'ed25519' ? null : (hash?.name ?? 'sha256').replace('-', '').toLowerCase();
    isValid = crypto.verify(digest, signedPart(der), { key, dsaEncoding: 'der' }, Buffer.from(request.signature));
  } catch (cause) {
    throw new CertificateRequestError('x509: cannot verify signature: algorithm unimplemented', { cause });
  }
  if (!isValid) throw new CertificateRequestError(failures[type] ?? 'x509: signature verification failure');
}

/** The bytes that are signed: the first element of the outer sequence, as it was sent. */
function signedPart(der: Buffer): Buffer {
  const { contents } = readHeader(der, 0);
  const { end } = readHeader(der, contents);
  return der.subarray(contents, end);
}

/** Tag and length (X.690, 8.1) at an offset: where the contents begin and end. */
function readHeader(der: Buffer, offset: number): { contents: number; end: number } {
  const first = der.readUInt8(offset + 1);
  if (first < 0x80) return { contents: offset + 2, end: offset + 2 + first };
  const bytes = first & 0x7f;
  const contents = offset + 2 + bytes;
  return { contents, end: contents + der.readUIntBE(offset + 2, bytes) };
}
