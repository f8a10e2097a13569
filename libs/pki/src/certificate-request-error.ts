/** The request is none, or its signature is not its key's. */
export class CertificateRequestError extends Error {
  override readonly name = 'CertificateRequestError';
}
