import crypto, { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { type Clock, systemClock } from '#machinery';
import { makePrivateDirectory, readPrivateFile, writeFileAtomically } from './atomic-file';
import { type CertificateRequest, type KeyPair, createAuthority, issueCertificate } from './certificates';
import { identityOf } from './client-identity';
import { createSigningKey } from './tokens';

export interface PkiOptions<Name extends string> {
  /** Common name of the authority. */
  readonly authorityName?: string;
  /** What to have, by file name. */
  readonly certificates: Readonly<Record<Name, CertificateRequest>>;
  readonly clock?: Clock;
}

export interface Pki<Name extends string> {
  readonly authority: KeyPair;
  /** Private key (PKCS #8 PEM) that signs ServiceAccount tokens. */
  readonly serviceAccountKeyPem: string;
  readonly certificates: Readonly<Record<Name, KeyPair>>;
  /** Certificates that were made now, because they were missing, about to expire, or for other names. */
  readonly issued: readonly Name[];
}

/** Certificates are replaced when less than this part of their lifetime is left. */
const renewalPart = 0.2;

/**
 * Creates what is missing below a directory and loads the rest: `ca`, `service-account` and one pair of `.crt` and `.key` a
 * certificate. May be called any number of times, and finishes what a crash interrupted; one process at a time.
 *
 * Keys that cannot be replaced without breaking the cluster are never replaced: a damaged or half-missing authority is an
 * error that names the file. Everything else that does not fit (expired, other names, other authority) is issued again.
 */
export async function ensurePki<Name extends string>(directory: string, options: PkiOptions<Name>): Promise<Pki<Name>> {
  const now = (options.clock ?? systemClock).now();
  await makePrivateDirectory(directory);
  const [authority, serviceAccountKeyPem] = await Promise.all([
    ensureAuthority(directory, options.authorityName ?? 'kubernetes', now),
    ensureSigningKey(path.join(directory, 'service-account.key')),
  ]);

  const certificates: Partial<Record<Name, KeyPair>> = {};
  const issued = new Set<Name>();
  const names = Object.keys(options.certificates) as Name[];
  // At once: most of the time goes into waiting for the disk.
  await Promise.all(
    names.map(async (name) => {
      const request = options.certificates[name];
      let pair = await readPair(directory, name);
      if (pair === undefined || !isUsable(pair, request, authority, now)) {
        pair = await issueCertificate(authority, request, now);
        await writePair(directory, name, pair);
        issued.add(name);
      }
      certificates[name] = pair;
    }),
  );
  return {
    authority,
    serviceAccountKeyPem,
    certificates: certificates as Record<Name, KeyPair>,
    issued: names.filter((name) => issued.has(name)),
  };
}

async function ensureAuthority(directory: string, commonName: string, now: number): Promise<KeyPair> {
  const keyFile = path.join(directory, 'ca.key');
  const certificateFile = path.join(directory, 'ca.crt');
  const keyPem = await readPrivateFile(keyFile);
  const certificatePem = await readPrivateFile(certificateFile);
  if (certificatePem !== undefined && keyPem !== undefined) {
    const key = parse(keyFile, () => crypto.createPrivateKey(keyPem));
    const certificate = parse(certificateFile, () => new X509Certificate(certificatePem));
    if (!certificate.checkPrivateKey(key)) throw new Error(`${certificateFile} and ${keyFile} do not belong together`);
    if (Date.parse(certificate.validTo) > now) return { certificatePem, keyPem };
    throw new Error(`${certificateFile} expired on ${certificate.validTo}`);
  }
  if (certificatePem !== undefined) throw new Error(`${keyFile} is missing, but ${certificateFile} is there`);
  if (keyPem !== undefined) parse(keyFile, () => crypto.createPrivateKey(keyPem));

  // The key is written first: a crash between the two leaves a key, whose certificate can be made again.
  const authority = await createAuthority(commonName, now, keyPem);
  await writePair(directory, 'ca', authority);
  return authority;
}

async function ensureSigningKey(file: string): Promise<string> {
  const existing = await readPrivateFile(file);
  if (existing !== undefined) {
    parse(file, () => crypto.createPrivateKey(existing));
    return existing;
  }
  const key = createSigningKey();
  await writeFileAtomically(file, key);
  return key;
}

async function readPair(directory: string, name: string): Promise<KeyPair | undefined> {
  const keyPem = await readPrivateFile(path.join(directory, `${name}.key`));
  const certificatePem = await readPrivateFile(path.join(directory, `${name}.crt`));
  return keyPem === undefined || certificatePem === undefined ? undefined : { keyPem, certificatePem };
}

async function writePair(directory: string, name: string, pair: KeyPair): Promise<void> {
  await writeFileAtomically(path.join(directory, `${name}.key`), pair.keyPem);
  await writeFileAtomically(path.join(directory, `${name}.crt`), pair.certificatePem);
}

function parse<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`${file} is damaged: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Whether a certificate still is what the request asks for. */
function isUsable(pair: KeyPair, request: CertificateRequest, authority: KeyPair, now: number): boolean {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pair.certificatePem);
    if (!certificate.checkPrivateKey(crypto.createPrivateKey(pair.keyPem))) return false;
  } catch {
    // Damaged files are as good as missing ones: they are made again.
    return false;
  }
  const validFrom = Date.parse(certificate.validFrom);
  const validTo = Date.parse(certificate.validTo);
  if (now < validFrom || now > validTo - (validTo - validFrom) * renewalPart) return false;
  if (!certificate.verify(new X509Certificate(authority.certificatePem).publicKey)) return false;

  const identity = identityOf(pair.certificatePem);
  return (
    identity.commonName === request.commonName &&
    sameSet(identity.organizations, request.organizations ?? []) &&
    sameSet(usagesOf(certificate), request.usages) &&
    // More names than asked for are fine: machines lose and regain addresses.
    (request.dnsNames ?? []).every((name) => certificate.checkHost(name, { subject: 'never' }) !== undefined) &&
    (request.ipAddresses ?? []).every((address) => certificate.checkIP(address) !== undefined)
  );
}

const usageNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'server',
  '1.3.6.1.5.5.7.3.2': 'client',
};

/** Node calls the extended key usages `keyUsage`. */
function usagesOf(certificate: X509Certificate): string[] {
  const usages = (certificate.keyUsage as readonly string[] | undefined) ?? [];
  return usages.map((oid) => usageNames[oid] ?? oid);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value));
}
