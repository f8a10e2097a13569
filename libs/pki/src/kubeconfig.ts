import { stringify } from 'yaml';
import { type KeyPair } from './certificates';

export interface KubeconfigOptions {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly authorityPem: string;
  readonly credentials: KeyPair | { readonly token: string };
  /** Name of cluster, user and context, `nestor` unless told. */
  readonly name?: string;
  readonly namespace?: string;
}

/** A kubeconfig with one cluster, one user and one context, as YAML. */
export function kubeconfig(options: KubeconfigOptions): string {
  const { server, authorityPem, credentials, name = 'nestor', namespace } = options;
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(authorityPem) } }],
      users: [
        {
          name,
          user:
            'token' in credentials
              ? { token: credentials.token }
              : {
                  'client-certificate-data': base64(credentials.certificatePem),
                  'client-key-data': base64(credentials.keyPem),
                },
        },
      ],
      contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
      'current-context': name,
    },
    // Folded base64 is legal YAML, but people cut and paste it.
    { lineWidth: 0 },
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
