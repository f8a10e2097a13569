import { type OverlayBackend, overlayMtu } from '#network';
import { type PodNetworkConfig } from '#runtime';
import { type HostFiles, hostFiles } from '../host/host-files';

export interface PodNetworkFacts {
  /** Whether the service proxy masquerades what leaves the cluster. Otherwise the container engine has to. */
  readonly proxyMasquerades: boolean;
  /** Absent: pods of other hosts are not reached. */
  readonly backend?: OverlayBackend;
  /** This host's address, under which the other hosts reach it. */
  readonly localIp: string;
  readonly files?: HostFiles;
}

/** How the container engine should make the pods' network. Where the MTU of the host's interface cannot be told, the engine's default is kept. */
export async function podNetworkOptions({
  proxyMasquerades,
  backend,
  localIp,
  files = hostFiles,
}: PodNetworkFacts): Promise<Pick<PodNetworkConfig, 'isMasqueraded' | 'mtu'>> {
  const underlayMtu = backend === undefined ? undefined : await mtuOf(localIp, files);
  return {
    isMasqueraded: !proxyMasquerades,
    ...(backend === undefined || underlayMtu === undefined ? {} : { mtu: overlayMtu(backend, underlayMtu) }),
  };
}

async function mtuOf(address: string, files: HostFiles): Promise<number | undefined> {
  const found = (await files.interfaces()).find((one) => one.address === address);
  // Loopback's says nothing about a network.
  if (found === undefined || found.name === 'lo') return undefined;
  try {
    const mtu = Number(await files.read(`/sys/class/net/${found.name}/mtu`));
    return Number.isInteger(mtu) && mtu > 0 ? mtu : undefined;
  } catch (error) {
    // Not Linux, or /sys is not that of the process's network.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
