import crypto, { X509Certificate } from 'node:crypto';
import { type KeyPair, identityOf, readPrivateFile, writeFileAtomically } from '#pki';

/**
 * Certificate and key in one file, so that a crash can never leave one of them without the other. Only the owner may read it.
 */
export async function writeKeyPair(file: string, { certificatePem, keyPem }: KeyPair): Promise<void> {
  await writeFileAtomically(file, `${certificatePem.trimEnd()}\n${keyPem}`);
}

/** @returns undefined if the file is missing or damaged */
export async function readKeyPair(file: string): Promise<KeyPair | undefined> {
  const text = (await readPrivateFile(file)) ?? '';
  const key = text.indexOf('-----BEGIN PRIVATE KEY-----');
  return key < 0 ? undefined : { certificatePem: text.slice(0, key), keyPem: text.slice(key) };
}

export interface Expectation {
  readonly commonName: string;
  readonly authorityPem: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** Why a certificate cannot be used; undefined if it can. */
export function problemOf(pair: KeyPair, expected: Expectation): string | undefined {
  try {
    const certificate = new X509Certificate(pair.certificatePem);
    if (!certificate.checkPrivateKey(crypto.createPrivateKey(pair.keyPem))) return 'its key is another';
    if (identityOf(pair.certificatePem).commonName !== expected.commonName)
      return `it is not for ${expected.commonName}`;
    if (!certificate.verify(new X509Certificate(expected.authorityPem).publicKey)) return 'another authority signed it';
    if (Date.parse(certificate.validTo) <= expected.now) return `it expired on ${certificate.validTo}`;
    const covers =
      (expected.dnsNames ?? []).every((name) => certificate.checkHost(name, { subject: 'never' }) !== undefined) &&
      (expected.ipAddresses ?? []).every((address) => certificate.checkIP(address) !== undefined);
    return covers ? undefined : 'it is for other names';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** When it is time for the next one, after 70 to 90 % of its life. @param random 0 ≤ x < 1: not all nodes come at once */
export function renewalTime({ certificatePem }: KeyPair, random: number): number {
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  const from = Date.parse(validFrom);
  return from + (Date.parse(validTo) - from) * (0.7 + 0.2 * random);
}
