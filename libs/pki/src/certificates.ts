import type * as x509 from './x509';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export type CertificateUsage = 'server' | 'client';

export interface CertificateRequest {
  /** The user name, for clients. */
  readonly commonName: string;
  /** The groups, for clients. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly CertificateUsage[];
  /** Lifetime in days, 365 unless told. */
  readonly days?: number;
}

/** The X.509 library takes 0.2 s to load, so that is done only when there is something to make. */
function loadX509(): typeof x509 {
  // `import()` of a TypeScript source needs an extension that no tool agrees upon.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require('./x509') as typeof x509;
}

/**
 * Makes a self-signed certificate authority, valid ten years.
 * @param now milliseconds since the epoch
 * @param keyPem an existing key (PKCS #8, EC P-256) whose certificate is to be made again
 */
export async function createAuthority(commonName: string, now: number, keyPem?: string): Promise<KeyPair> {
  return loadX509().createAuthority(commonName, now, keyPem);
}

/** Makes a key and a certificate for it, signed by the authority. About 6 ms. */
export async function issueCertificate(authority: KeyPair, request: CertificateRequest, now: number): Promise<KeyPair> {
  return loadX509().issueCertificate(authority, request, now);
}
