import { type CertificateRequest } from './certificates';

// The certificates of a cluster, as kubeadm names their holders.

export interface ServingNames {
  /** Address of the Service `default/kubernetes`. */
  readonly serviceAddress: string;
  readonly clusterDomain: string;
  /** Names and addresses of the machine besides localhost. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** The API server's certificate: every name and address under which clients inside and outside reach it. */
export function apiServerRequest(names: ServingNames): CertificateRequest {
  return {
    commonName: 'kube-apiserver',
    dnsNames: unique([
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${names.clusterDomain}`,
      'localhost',
      ...(names.dnsNames ?? []),
    ]),
    ipAddresses: unique(['127.0.0.1', '::1', names.serviceAddress, ...(names.ipAddresses ?? [])]),
    usages: ['server'],
  };
}

/** May do everything: RBAC binds `system:masters` to `cluster-admin`. */
export function adminRequest(): CertificateRequest {
  return { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] };
}

/** `kube-scheduler` is user `system:kube-scheduler`. */
export function componentRequest(component: string): CertificateRequest {
  return { commonName: `system:${component}`, usages: ['client'] };
}

/** One certificate a node: towards the API server it is the node's client, towards others its `kubeletEndpoint`. */
export function nodeRequest(node: string, ipAddresses: readonly string[]): CertificateRequest {
  return {
    commonName: `system:node:${node}`,
    organizations: ['system:nodes'],
    dnsNames: [node],
    ipAddresses: unique(ipAddresses),
    usages: ['client', 'server'],
  };
}

/** What the API server shows to nodes. */
export function kubeletClientRequest(): CertificateRequest {
  return { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usages: ['client'] };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
