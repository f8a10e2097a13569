import { chown, readdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  adminRequest,
  apiServerRequest,
  type CertificateRequest,
  ensureBusAuthority,
  ensurePki,
  kubeconfig,
  kubeletClientRequest,
  type KeyPair,
  makePrivateDirectory,
  natsServerConfig,
  nodeRequest,
  writeFileAtomically,
} from '#pki';
import { componentNames, processUser } from '#process';

export interface DeploymentPkiOptions {
  readonly directory: string;
  /** Names and addresses under which each is reached. */
  readonly gatewayHosts: readonly string[];
  readonly storeHosts: readonly string[];
  /** Names of the members of the store, under which they also reach each other: a folder each. Absent: one, whose folder is `store`. */
  readonly storeMembers?: readonly string[];
  readonly natsHosts: readonly string[];
  /** Nodes that need not join by token: each gets its first certificate here. */
  readonly nodes: readonly string[];
  /** Where kubectl finds the API: `https://host:port`. */
  readonly server: string;
  /** First address of the Services' range. */
  readonly serviceAddress: string;
  readonly clusterDomain: string;
  /** Where the broker sees its own folder. */
  readonly natsMount: string;
  readonly natsPort: number;
  /** `host:port` where the broker tells how it is; it tells nothing about anybody. Absent: nowhere. */
  readonly natsMonitor?: string;
  /** User and group id that own the components' folders. Absent: whoever runs this. */
  readonly owner?: number;
}

/** What is in a component's folder, by file name. */
type Folder = Readonly<Record<string, string>>;

/**
 * Makes the keys, certificates and configurations of a cluster of many processes: one folder a component, with what it alone may have, and
 * `authority`, which stays where it is. May be repeated: what is good stays, what is about to expire or for other names is made anew.
 * @returns names of the certificates that were made
 */
export async function ensureDeploymentPki(options: DeploymentPkiOptions): Promise<readonly string[]> {
  const { directory } = options;
  const authorityDirectory = join(directory, 'authority');
  await makePrivateDirectory(directory);
  const pki = await ensurePki(authorityDirectory, { certificates: certificatesOf(options) });
  const bus = await ensureBusAuthority(join(authorityDirectory, 'bus'));
  const ca = pki.authority.certificatePem;
  const of = (name: string): KeyPair => {
    const pair = pki.certificates[name];
    if (pair === undefined) throw new Error(`no certificate ${name}`);
    return pair;
  };
  const identified = (name: string): Folder => ({ 'ca.crt': ca, ...named('tls', of(name)) });

  const folders: Record<string, Folder> = {
    nats: { ...identified('nats'), 'nats.conf': natsConfig(options, bus) },
    ...Object.fromEntries(storesOf(options).map((name) => [name, identified(name)])),
    gateway: {
      ...identified('gateway'),
      ...named('client', of('gateway-client')),
      ...named('kubelet-client', of('kubelet-client')),
      'service-account.key': pki.serviceAccountKeyPem,
      'bus-account.seed': bus.accountSeed,
    },
    admin: {
      kubeconfig: kubeconfig({ server: options.server, authorityPem: ca, credentials: of('admin') }),
    },
  };
  for (const name of componentNames) folders[name] = identified(name);
  folders['node-controller'] = { ...folders['node-controller'], 'ca.key': pki.authority.keyPem };
  for (const node of options.nodes) folders[`node-${node}`] = identified(`node-${node}`);
  for (const [name, files] of Object.entries(folders)) await writeFolder(join(directory, name), files, options.owner);
  // So that the owner finds the kubeconfig; what is in `authority` stays with whoever runs this.
  if (options.owner !== undefined) await chown(directory, options.owner, options.owner);
  return pki.issued;
}

function storesOf({ storeMembers = [] }: DeploymentPkiOptions): readonly string[] {
  return storeMembers.length === 0 ? ['store'] : storeMembers;
}

function certificatesOf(options: DeploymentPkiOptions): Record<string, CertificateRequest> {
  const { serviceAddress, clusterDomain, gatewayHosts } = options;
  const server = (commonName: string, hosts: readonly string[]): CertificateRequest => ({
    commonName,
    usages: ['server'],
    ...split(['localhost', '127.0.0.1', ...hosts]),
  });
  const client = (commonName: string): CertificateRequest => ({ commonName, usages: ['client'] });
  return {
    nats: server('nats', options.natsHosts),
    // Both: to other members it is a client, too.
    ...Object.fromEntries(
      storesOf(options).map((name) => {
        const request = server(processUser('store'), [name, ...options.storeHosts]);
        return [name, { ...request, usages: ['server', 'client'] }];
      }),
    ),
    gateway: apiServerRequest({ serviceAddress, clusterDomain, ...split(gatewayHosts) }),
    'gateway-client': client(processUser('gateway')),
    'kubelet-client': kubeletClientRequest(),
    admin: adminRequest(),
    ...Object.fromEntries(componentNames.map((name) => [name, client(processUser(name))])),
    ...Object.fromEntries(
      options.nodes.map((node) => [`node-${node}`, { ...nodeRequest(node, []), usages: ['client'] }]),
    ),
  };
}

function natsConfig(
  options: DeploymentPkiOptions,
  authority: Parameters<typeof natsServerConfig>[0]['authority'],
): string {
  const { natsMount, natsPort, natsMonitor } = options;
  return natsServerConfig({
    host: '0.0.0.0',
    port: natsPort,
    authority,
    tls: {
      certificateFile: `${natsMount}/tls.crt`,
      keyFile: `${natsMount}/tls.key`,
      caFile: `${natsMount}/ca.crt`,
    },
    ...(natsMonitor === undefined ? {} : { monitor: natsMonitor }),
  });
}

function named(name: string, { certificatePem, keyPem }: KeyPair): Folder {
  return { [`${name}.crt`]: certificatePem, [`${name}.key`]: keyPem };
}

function split(hosts: readonly string[]): { dnsNames: string[]; ipAddresses: string[] } {
  return {
    dnsNames: [...new Set(hosts.filter((host) => isIP(host) === 0))],
    ipAddresses: [...new Set(hosts.filter((host) => isIP(host) !== 0))],
  };
}

async function writeFolder(folder: string, files: Folder, owner: number | undefined): Promise<void> {
  await makePrivateDirectory(folder);
  for (const [name, contents] of Object.entries(files)) await writeFileAtomically(join(folder, name), contents);
  if (owner === undefined) return;
  for (const name of await readdir(folder)) await chown(join(folder, name), owner, owner);
  await chown(folder, owner, owner);
}
