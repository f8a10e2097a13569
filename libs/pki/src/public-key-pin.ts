import crypto, { X509Certificate } from 'node:crypto';

/** `sha256:<hex>` of an authority's public key (SPKI), as kubeadm's `--discovery-token-ca-cert-hash`. */
export function publicKeyPin(certificatePem: string): string {
  const spki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${crypto.createHash('sha256').update(spki).digest('hex')}`;
}
