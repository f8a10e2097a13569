import { isInCidr, nftTableName, overlayDeviceName, renderNftRemoval } from '#network';
import { type Logger } from '#telemetry';
import { BridgePorts } from './bridge-ports';
import { createRunCommand, type RunCommand } from '../host/command';
import { hostFiles, type HostFiles } from '../host/host-files';

/** The kernel's packet filter, as the service proxy needs it. */
export interface HostNetwork {
  /**
   * Makes the host route and accept the cluster's packets. May be repeated at any time, and is: other programs change these
   * settings, too.
   */
  prepare(): Promise<HostNetworkState>;
  /** Applies a script for `nft -f -`, all of it or nothing, and readies the bridge for pods that are new. Rejects with what nft says. */
  apply(script: string): Promise<void>;
}

export interface HostNetworkState {
  /** Whether frames that a bridge passes from port to port go through the firewall, so that translated answers come back right. */
  readonly filtersBridges: boolean;
  /** Whether what others make is there, too, the pods' bridge; if not, `prepare` has more to do soon. Absent: it is. */
  readonly isComplete?: boolean;
  /** Whether our table is there. */
  readonly hasTable: boolean;
}

export interface HostNetworkOptions {
  readonly cluster: string;
  readonly clusterCidr: string;
  /** Addresses of Services; given, the host has a route to them of its own. */
  readonly serviceCidr?: string;
  readonly logger: Logger;
  readonly run?: RunCommand;
  readonly files?: HostFiles;
}

/** Whether this process may change the packet filter; if not, the reason. */
export async function whyNoHostNetwork(run: RunCommand = createRunCommand()): Promise<string | undefined> {
  if (process.platform !== 'linux') return `nftables needs Linux, this is ${process.platform}`;
  try {
    const { code, stderr } = await run(['nft', '-c', '-f', '-'], 'add table ip nestor-probe\n');
    return code === 0 ? undefined : `nft: ${stderr.trim()}`;
  } catch (error) {
    return `nft cannot be run: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function createHostNetwork(options: HostNetworkOptions): HostNetwork {
  const { cluster, clusterCidr, serviceCidr, logger, run = createRunCommand(), files = hostFiles } = options;
  const ports = new BridgePorts(clusterCidr, files, logger);
  const table = nftTableName(cluster);

  /** Sets what is not set already; false if it cannot be. */
  const ensure = async (name: string, value: string): Promise<boolean> => {
    try {
      if ((await files.read(`/proc/sys/${name}`)) !== value) await files.write(`/proc/sys/${name}`, value);
      return true;
    } catch (error) {
      logger.debug({ err: error, sysctl: name }, 'a kernel setting cannot be changed');
      return false;
    }
  };

  return {
    async prepare() {
      const forwards = await ensure('net/ipv4/ip_forward', '1');
      if (!forwards) logger.warn('IP forwarding is off and cannot be turned on: pods cannot be reached');
      const filtersBridges = await ensure('net/bridge/bridge-nf-call-iptables', '1');
      await acceptForwarding(run, cluster, clusterCidr, logger);
      const isComplete = serviceCidr === undefined || (await routeServices(run, { ...options, serviceCidr }));
      const { code } = await run(['nft', 'list', 'chain', 'ip', table, 'services']);
      return { filtersBridges, isComplete, hasTable: code === 0 };
    },
    async apply(script) {
      await ports.allowHairpin();
      const { code, stderr } = await run(['nft', '-f', '-'], script);
      if (code !== 0) throw new Error(`nft: ${stderr.trim().slice(0, 2000)}`);
    },
  };
}

/** Removes everything that service proxies of the cluster have left on this host. Nothing happens if there is nothing. */
export async function removeServiceRules(
  options: Pick<HostNetworkOptions, 'cluster' | 'clusterCidr' | 'logger' | 'run'>,
): Promise<void> {
  const { cluster, clusterCidr, logger, run = createRunCommand() } = options;
  try {
    const { code, stderr } = await run(['nft', '-f', '-'], renderNftRemoval(nftTableName(cluster)));
    if (code !== 0) logger.warn({ stderr }, 'the service rules could not be removed');
  } catch (error) {
    // Without nft there never were any.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  for (const chain of await forwardChains(run, cluster)) {
    for (const match of [
      ['-s', clusterCidr],
      ['-d', clusterCidr],
    ]) {
      // As often as it is there; the first failure says that it is not.
      for (let i = 0; i < 10; i++) {
        const removed = await run(['iptables', '-w', '-D', chain, ...match, ...accept(cluster)]);
        if (removed.code !== 0) break;
      }
    }
  }
}

/**
 * A route for cluster IPs. Packets are translated before they take it, but the kernel looks for a route first: without this one
 * a host that has no default route could not reach services, and what has no rules would leak into the network outside. By
 * way of loopback, since on the bridge the host would send pods ICMP redirects. The kernel removes it together with the
 * bridge's address.
 * @returns whether there is a bridge
 */
async function routeServices(
  run: RunCommand,
  { cluster, serviceCidr, clusterCidr, logger }: HostNetworkOptions & { readonly serviceCidr: string },
): Promise<boolean> {
  try {
    // Not os.networkInterfaces(): that leaves out a bridge which has no pods yet.
    const { stdout } = await run(['ip', '-4', '-o', 'address']);
    // The overlay's device comes and goes with other hosts; to them the bridge's address is masqueraded.
    const [, source] =
      [...stdout.matchAll(/^\d+: (\S+) +inet ([0-9.]+)\//gm)]
        .map(([, device = '', address = '']) => [device, address] as const)
        .find(([device, address]) => device !== overlayDeviceName(cluster) && isInCidr(address, clusterCidr)) ?? [];
    if (source === undefined) return false;
    const { code, stderr } = await run(['ip', 'route', 'replace', serviceCidr, 'dev', 'lo', 'src', source]);
    if (code !== 0) logger.warn({ stderr, serviceCidr }, 'cluster IPs could not be routed');
  } catch (error) {
    // Most hosts have a default route, which does as well.
    logger.warn({ err: error, serviceCidr }, 'cluster IPs could not be routed');
  }
  return true;
}

/** Named by cluster: another one may get the same addresses while this one is still being removed. */
function accept(cluster: string): string[] {
  return ['-m', 'comment', '--comment', `${nftTableName(cluster)} pods`, '-j', 'ACCEPT'];
}

/**
 * Docker sets the policy of FORWARD to DROP and says that others' rules belong into DOCKER-USER, which it keeps through
 * restarts. An accept in our own table would not do: a packet has to pass every chain of a hook.
 */
async function acceptForwarding(run: RunCommand, cluster: string, clusterCidr: string, logger: Logger): Promise<void> {
  for (const chain of await forwardChains(run, cluster)) {
    for (const match of [
      ['-s', clusterCidr],
      ['-d', clusterCidr],
    ]) {
      const rule = [chain, ...match, ...accept(cluster)];
      if ((await run(['iptables', '-w', '-C', ...rule])).code === 0) continue;
      const { code, stderr } = await run(['iptables', '-w', '-I', ...rule]);
      if (code !== 0) logger.warn({ stderr, chain }, 'forwarding of pod traffic could not be allowed');
    }
  }
}

/** Where accept rules belong: Docker's chain, or FORWARD itself if that drops by default. None without iptables. */
async function forwardChains(run: RunCommand, cluster: string): Promise<string[]> {
  try {
    if ((await run(['iptables', '-w', '-S', 'DOCKER-USER'])).code === 0) return ['DOCKER-USER'];
    const { code, stdout } = await run(['iptables', '-w', '-S', 'FORWARD']);
    // What was put there while the policy was DROP is found again.
    return code === 0 && (stdout.includes('-P FORWARD DROP') || stdout.includes(`${nftTableName(cluster)} pods`))
      ? ['FORWARD']
      : [];
  } catch (error) {
    // A host without iptables has no Docker that would drop packets.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
