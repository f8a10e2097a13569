import { resolve } from 'node:path';
import { nthAddress } from '#network';
import { ensureDeploymentPki } from '../deployment-pki';

export interface PkiInitOptions {
  readonly directory: string;
  readonly gatewayHost: readonly string[];
  readonly storeHost: readonly string[];
  readonly storeMember: readonly string[];
  readonly natsHost: readonly string[];
  readonly node: readonly string[];
  readonly server?: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly natsMount?: string;
  readonly natsPort: number;
  readonly owner?: number;
}

/** Makes, or renews, what the processes of a cluster need to know each other. */
export async function initPki(options: PkiInitOptions): Promise<void> {
  const directory = resolve(options.directory);
  const issued = await ensureDeploymentPki({
    directory,
    gatewayHosts: options.gatewayHost,
    storeHosts: options.storeHost,
    storeMembers: options.storeMember,
    natsHosts: options.natsHost,
    nodes: options.node,
    server: options.server ?? `https://${options.gatewayHost[0] ?? '127.0.0.1'}:6443`,
    serviceAddress: nthAddress(options.serviceCidr, 1),
    clusterDomain: options.clusterDomain,
    natsMount: options.natsMount ?? `${directory}/nats`,
    natsPort: options.natsPort,
    natsMonitor: '127.0.0.1:8222',
    ...(options.owner === undefined ? {} : { owner: options.owner }),
  });
  console.log(
    issued.length === 0
      ? `Everything in ${directory} is good; nothing was made.`
      : `Made ${issued.length} certificates in ${directory}: ${issued.join(', ')}.`,
  );
  console.log(`Each process gets its own folder of it, and nobody gets ${directory}/authority.`);
  console.log(`kubectl: export KUBECONFIG=${directory}/admin/kubeconfig`);
}
