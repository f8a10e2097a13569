import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import {
  adminRequest,
  apiServerRequest,
  type CertificateRequest,
  ensurePki,
  kubeconfig,
  kubeletClientRequest,
  nodeRequest,
  type Pki,
  writeFileAtomically,
} from '#pki';
import { hostAddresses } from '#process';
import { type DiskStoreOptions, type KeyValueStore, openStore } from '#store';
import { type DataDirectory } from './data-directory';
import { freePlanIndex, type NetworkPlan } from './network-plan';

/** What stays the same over the life of a cluster. */
export interface ClusterIdentity {
  /** Names its networks, rules and containers: eight hexadecimal digits. */
  readonly name: string;
  /** Which network plan it has. */
  readonly plan: number;
}

/** A store, and how to be done with it. */
export interface OpenedStore {
  readonly store: KeyValueStore;
  close(): Promise<void>;
}

/** Where a cluster keeps what may outlive its process. */
export interface ClusterState {
  /** Agents keep the files of their pods below it. */
  readonly root: string;
  identity(): Promise<ClusterIdentity>;
  /** All keys and certificates of the cluster. */
  pki(plan: NetworkPlan, nodeName: string): Promise<ClusterPki>;
  openStore(options: Pick<DiskStoreOptions, 'clock' | 'logger'>): Promise<OpenedStore>;
  /** The API answers now: whoever is to find it is told. */
  announce(pki: ClusterPki, server: string): Promise<void>;
}

/** Keeps everything in a data directory. */
export function stateOnDisk(directory: DataDirectory): ClusterState {
  return {
    root: directory.root,
    identity: () => ensureIdentity(directory),
    pki: (plan, nodeName) => ensurePki(directory.pki, { certificates: certificateRequests(plan, nodeName) }),
    openStore: async (options) => {
      const store = await openStore({ directory: directory.store, ...options });
      return { store, close: () => store.close() };
    },
    announce: (pki, server) => writeFileAtomically(directory.kubeconfig, administratorKubeconfig(pki, server)),
  };
}

/** Reads the cluster's identity, or makes one on the first start. */
async function ensureIdentity(directory: DataDirectory): Promise<ClusterIdentity> {
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

/** The certificates that a cluster has. */
export function certificateRequests(
  plan: NetworkPlan,
  nodeName: string,
): Readonly<Record<keyof ClusterPki['certificates'], CertificateRequest>> {
  const ipAddresses = [plan.gateway, ...hostAddresses()];
  const { clusterDomain, apiService: serviceAddress } = plan;
  return {
    apiserver: apiServerRequest({ serviceAddress, clusterDomain, dnsNames: [nodeName], ipAddresses }),
    admin: adminRequest(),
    'kubelet-client': kubeletClientRequest(),
    node: nodeRequest(nodeName, ['127.0.0.1', ...ipAddresses]),
  };
}

export function administratorKubeconfig({ authority, certificates }: ClusterPki, server: string): string {
  return kubeconfig({ server, authorityPem: authority.certificatePem, credentials: certificates.admin });
}
