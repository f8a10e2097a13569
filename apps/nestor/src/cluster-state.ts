import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import {
  adminRequest,
  apiServerRequest,
  ensurePki,
  kubeconfig,
  kubeletClientRequest,
  nodeRequest,
  type Pki,
  writeFileAtomically,
} from '#pki';
import { hostAddresses } from '#process';
import { type DataDirectory } from './data-directory';
import { freePlanIndex, type NetworkPlan } from './network-plan';

/** What stays the same over the life of a cluster. */
export interface ClusterIdentity {
  /** Names its networks, rules and containers: eight hexadecimal digits. */
  readonly name: string;
  /** Which network plan it has. */
  readonly plan: number;
}

/** Reads the cluster's identity, or makes one on the first start. */
export async function ensureIdentity(directory: DataDirectory): Promise<ClusterIdentity> {
  const known = await readIdentity(directory);
  if (known !== undefined) return known;
  const identity = { name: randomBytes(4).toString('hex'), plan: freePlanIndex() };
  await writeFile(directory.clusterFile, `${JSON.stringify(identity)}\n`, { mode: 0o600 });
  return identity;
}

export async function readIdentity(directory: DataDirectory): Promise<ClusterIdentity | undefined> {
  try {
    return JSON.parse(await readFile(directory.clusterFile, 'utf8')) as ClusterIdentity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export type ClusterPki = Pki<'apiserver' | 'admin' | 'kubelet-client' | 'node'>;

/** All keys and certificates of the cluster, from disk or new. */
export function ensureClusterPki(directory: DataDirectory, plan: NetworkPlan, nodeName: string): Promise<ClusterPki> {
  const ipAddresses = [plan.gateway, ...hostAddresses()];
  const { clusterDomain, apiService: serviceAddress } = plan;
  return ensurePki(directory.pki, {
    certificates: {
      apiserver: apiServerRequest({ serviceAddress, clusterDomain, dnsNames: [nodeName], ipAddresses }),
      admin: adminRequest(),
      'kubelet-client': kubeletClientRequest(),
      node: nodeRequest(nodeName, ['127.0.0.1', ...ipAddresses]),
    },
  });
}

/** Writes the administrator's kubeconfig. */
export function writeKubeconfig(directory: DataDirectory, pki: ClusterPki, server: string): Promise<void> {
  const authorityPem = pki.authority.certificatePem;
  return writeFileAtomically(
    directory.kubeconfig,
    kubeconfig({ server, authorityPem, credentials: pki.certificates.admin }),
  );
}
