import { parse, stringify } from 'yaml';
import { type KeyPair } from './certificates';

/** Where a cluster is, and the authority that signs for it. */
export interface ClusterInfo {
  readonly server: string;
  readonly authorityPem: string;
}

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

/** The kubeconfig in the ConfigMap `cluster-info`: where the cluster is and whom to trust, without a user (kubeadm's form). */
export function clusterInfoKubeconfig({ server, authorityPem }: ClusterInfo): string {
  return stringify(
    {
      apiVersion: 'v1',
      clusters: [{ cluster: { 'certificate-authority-data': base64(authorityPem), server }, name: '' }],
      contexts: null,
      'current-context': '',
      kind: 'Config',
      preferences: {},
      users: null,
    },
    { lineWidth: 0 },
  );
}

/** @returns undefined for what is no such kubeconfig */
export function readClusterInfo(text: string): ClusterInfo | undefined {
  let config: { clusters?: { cluster?: Record<string, unknown> }[] } | null;
  try {
    config = parse(text) as typeof config;
  } catch {
    return undefined;
  }
  const { server, 'certificate-authority-data': authority } = config?.clusters?.[0]?.cluster ?? {};
  if (typeof server !== 'string' || typeof authority !== 'string') return undefined;
  return { server, authorityPem: fromBase64(authority) };
}

/** What a kubeconfig of ours says. @throws Error if it is not one */
export function readKubeconfig(
  text: string,
): ClusterInfo & { readonly credentials: KeyPair | { readonly token: string } } {
  const info = readClusterInfo(text);
  const config = parse(text) as { users?: { user?: Readonly<Record<string, string | undefined>> }[] };
  const { token, ...user } = config.users?.[0]?.user ?? {};
  const [certificate, key] = [user['client-certificate-data'], user['client-key-data']];
  if (info === undefined) throw new Error('the kubeconfig names no cluster');
  if (token !== undefined) return { ...info, credentials: { token } };
  if (certificate === undefined || key === undefined) throw new Error('the kubeconfig has no credentials');
  return { ...info, credentials: { certificatePem: fromBase64(certificate), keyPem: fromBase64(key) } };
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
