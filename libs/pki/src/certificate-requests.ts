import crypto from 'node:crypto';
import { CertificateRequestError } from './certificate-request-error';
import { type KeyPair } from './certificates';
import type * as pkcs10 from './pkcs10';

/** What a PKCS #10 request (RFC 2986) asks for. */
export interface RequestedSubject {
  /** The last of several, as Go reads it; '' if there is none. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  /** As text; IPv6 may be written in any way. */
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
}

export interface CertificateRequestOptions {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

export interface SigningOptions {
  /** Kubernetes' names: `digital signature`, `client auth`, … */
  readonly usages: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The X.509 library takes 0.2 s to load, so that is done only when there is something to read or to make. */
function loadPkcs10(): typeof pkcs10 {
  // `import()` of a TypeScript source needs an extension that no tool agrees upon.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require('./pkcs10') as typeof pkcs10;
}

/** A new EC P-256 key, and a request for a certificate of it. */
export async function createCertificateRequest(
  options: CertificateRequestOptions,
): Promise<{ readonly requestPem: string; readonly keyPem: string }> {
  return loadPkcs10().createRequest(options);
}

/** @throws CertificateRequestError unless it is one and signed by its own key; the texts are Go's where they are short */
export function readCertificateRequest(pem: string): RequestedSubject {
  return loadPkcs10().readRequest(derOf(pem));
}

/** Issues what the request asks for: its subject, key and alternative names, with the usages given, and nothing else of it. */
export async function signCertificateRequest(
  authority: KeyPair,
  requestPem: string,
  options: SigningOptions,
): Promise<string> {
  return loadPkcs10().signRequest(authority, derOf(requestPem), options);
}

/** The first block, as `pem.Decode` finds it. */
function derOf(pem: string): Buffer {
  const [, type, body = ''] = /-----BEGIN ([^-]+)-----\s+([\s\S]*?)-----END \1-----/.exec(pem) ?? [];
  if (type !== 'CERTIFICATE REQUEST') throw new CertificateRequestError('PEM block type must be CERTIFICATE REQUEST');
  return Buffer.from(body, 'base64');
}

/** Certificates in a PEM text, one after the other. @throws Error in Go's words for what cannot be an issued certificate */
export function readCertificates(pem: string): crypto.X509Certificate[] {
  const certificates: crypto.X509Certificate[] = [];
  for (const [block, type = '', body = ''] of pem.matchAll(/-----BEGIN ([^-]+)-----\s+([\s\S]*?)-----END \1-----/g)) {
    if (type !== 'CERTIFICATE') throw new Error(`only CERTIFICATE PEM blocks are allowed, found "${type}"`);
    if (/^[^\n]*:/m.test(body)) throw new Error('no PEM block headers are permitted');
    try {
      certificates.push(new crypto.X509Certificate(block));
    } catch (cause) {
      throw new Error('x509: malformed certificate', { cause });
    }
  }
  if (certificates.length === 0) throw new Error('must contain at least one CERTIFICATE PEM block');
  return certificates;
}
