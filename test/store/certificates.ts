import { createAuthority, issueCertificate, type KeyPair } from '#pki';

export interface Certificates {
  readonly authority: KeyPair;
  readonly server: KeyPair;
  readonly client: KeyPair;
}

/** @param days lifetime of server and client certificate; negative: they have expired */
export async function makeCertificates(days = 1, now = Date.now()): Promise<Certificates> {
  const authority = await createAuthority('store-ca', now);
  const addresses = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  return {
    authority,
    server: await issueCertificate(authority, { commonName: 'store', ...addresses, usages: ['server'], days }, now),
    client: await issueCertificate(authority, { commonName: 'gateway', usages: ['client'], days }, now),
  };
}

export function serverTls({ authority, server }: Certificates): {
  certificatePem: string;
  keyPem: string;
  clientCaPem: string;
} {
  return { certificatePem: server.certificatePem, keyPem: server.keyPem, clientCaPem: authority.certificatePem };
}

export function clientTls({ authority, client }: Certificates): {
  caPem: string;
  certificatePem: string;
  keyPem: string;
} {
  return { caPem: authority.certificatePem, certificatePem: client.certificatePem, keyPem: client.keyPem };
}
