import { CertificateRequestError, type RequestedSubject, readCertificateRequest } from '#pki';

/**
 * Reads `spec.request`, a PEM text in base64.
 * @returns what is wrong with it, if it is no request or its signature does not fit
 */
export function parseRequest(request: string | null | undefined): RequestedSubject | string {
  try {
    return readCertificateRequest(Buffer.from(request ?? '', 'base64').toString('latin1'));
  } catch (error) {
    if (error instanceof CertificateRequestError) return error.message;
    throw error;
  }
}
