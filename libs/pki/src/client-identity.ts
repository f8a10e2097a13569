import { X509Certificate } from 'node:crypto';

export interface CertificateIdentity {
  /** The user name; '' if the certificate has none. */
  readonly commonName: string;
  /** The groups, in the certificate's order. */
  readonly organizations: readonly string[];
}

/**
 * Who a client certificate says its holder is. Trust is the TLS layer's business: this only reads.
 * @param certificate PEM, or DER as `TLSSocket.getPeerCertificate().raw` has it
 */
export function identityOf(certificate: string | Buffer): CertificateIdentity {
  // The legacy object decodes attributes one by one; the textual `subject` would have to be unescaped.
  const { subject } = new X509Certificate(certificate).toLegacyObject();
  return { commonName: lastOf(subject.CN), organizations: listOf(subject.O) };
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

/** Go's `Subject.CommonName` is the last of several. */
function lastOf(value: string | string[] | undefined): string {
  return listOf(value).at(-1) ?? '';
}
