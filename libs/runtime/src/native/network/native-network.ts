import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { type Logger } from '#telemetry';
import { bridgeName, type PodNetworkConfig } from '../../docker/network';
import { RuntimeError, type SandboxConfig } from '../../container-runtime';
import { hasProgram, runProgram, tryProgram } from '../run-program';
import { isErrno, kernelErrors, type Steward } from '../steward';
import { acceptForwarding, forgetForwarding } from './forwarding';
import { tellKernel } from './links';
import { podRules } from './packet-filter';
import { HostPorts, type RootlessNetwork } from '../rootless/host-ports';
import {
  addAddress,
  addBridge,
  addDefaultRoute,
  addVeth,
  allowHairpin,
  attachToBridge,
  deleteLink,
  setMtu,
  takeUp,
} from './rtnetlink';

type Pod = Pick<SandboxConfig, 'ip' | 'portMappings'>;

/** The bridge of a cluster, the interfaces of its pods, and the ports of the host that lead to them. */
export class NativeNetwork {
  readonly bridge: string;
  private readonly prefix: number;
  private readonly table: string;
  private ready: Promise<void> | undefined;
  private filter: Promise<boolean> | undefined;
  private filtering: Promise<void> = Promise.resolve();
  /** Present: the network is the node's own, and ports of the machine are somewhere else. */
  private readonly hostPorts: HostPorts | undefined;

  constructor(
    private readonly config: PodNetworkConfig,
    node: string,
    private readonly steward: Steward,
    private readonly logger: Logger,
    rootless?: RootlessNetwork,
  ) {
    this.hostPorts = rootless === undefined ? undefined : new HostPorts(rootless.relay);
    this.bridge = bridgeName(config);
    this.prefix = Number(config.clusterCidr.split('/')[1] ?? 16);
    this.table = `${this.bridge}-${createHash('sha256').update(node).digest('hex').slice(0, 8)}`;
  }

  /** Makes the bridge. Agents of several nodes may ask at once. */
  ensure(): Promise<void> {
    this.ready ??= this.create().catch((error: unknown) => {
      this.ready = undefined;
      throw failure('cannot make the network of pods', error);
    });
    return this.ready;
  }

  /** Gives the network namespace of a process its interface and address. It goes with the namespace. */
  async connect(id: string, pid: number, ip: string): Promise<void> {
    await this.ensure();
    try {
      await this.plug(id, pid, ip);
    } catch (error) {
      if (!isErrno(error, kernelErrors.noSuchDevice)) throw failure('cannot connect the pod', error);
      // Somebody removed the bridge.
      this.ready = undefined;
      await this.ensure();
      await this.disconnect(id);
      await this.plug(id, pid, ip).catch((again: unknown) => {
        throw failure('cannot connect the pod', again);
      });
    }
  }

  /** Loopback alone, for a pod without an address. */
  async loopback(pid: number): Promise<void> {
    await tellKernel(this.steward, { enter: pid }, takeUp('lo'));
  }

  /** Removes the interface now: a namespace may live on in a process that is being killed, and would keep the address. */
  async disconnect(id: string): Promise<void> {
    try {
      await tellKernel(this.steward, deleteLink(interfaceOf(id)));
    } catch (error) {
      if (!isErrno(error, kernelErrors.noSuchDevice)) throw failure('cannot disconnect the pod', error);
    }
  }

  /** Makes the rules of the node those of `pods()`, which is called when it is its turn. */
  applyFilter(pods: () => readonly Pod[]): Promise<void> {
    const apply = async (): Promise<void> => {
      const ports = pods().flatMap(({ ip, portMappings }) =>
        ip === undefined ? [] : portMappings.map((mapping) => ({ ...mapping, podIp: ip })),
      );
      await this.hostPorts?.follow(ports);
      if (!(await this.canFilter())) {
        if (ports.length === 0 || this.hostPorts !== undefined) return;
        throw new RuntimeError('create-failed', 'ports of the host take nft, which is not installed');
      }
      const { clusterCidr, isMasqueraded = true } = this.config;
      const rules = podRules({ table: this.table, bridge: this.bridge, clusterCidr, isMasqueraded, ports });
      await runProgram('nft', ['-f', '-'], { input: rules }).catch((error: unknown) => {
        throw failure("cannot set the pods' packet filter", error);
      });
    };
    const turn = this.filtering.then(apply);
    this.filtering = turn.catch(() => undefined);
    return turn;
  }

  /** Ports of the host that end with this process. */
  close(): void {
    this.hostPorts?.close();
  }

  private async create(): Promise<void> {
    const { gateway, mtu } = this.config;
    await tellKernel(this.steward, addBridge(this.bridge)).catch((error: unknown) => {
      if (!isErrno(error, kernelErrors.exists)) throw error;
    });
    await tellKernel(
      this.steward,
      ...(mtu === undefined ? [] : [setMtu(this.bridge, mtu)]),
      addAddress(this.bridge, gateway, this.prefix),
      takeUp(this.bridge),
    );
    await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
    // For ports of the host on 127.0.0.1. The filter keeps pods from getting at what listens there.
    const isRouted = await this.canFilter();
    await writeFile(`/proc/sys/net/ipv4/conf/${this.bridge}/route_localnet`, isRouted ? '1' : '0');
    await acceptForwarding(this.bridge);
  }

  private canFilter(): Promise<boolean> {
    this.filter ??= hasProgram('nft').then((isThere) => {
      if (!isThere && this.hostPorts === undefined)
        this.logger.warn({}, 'without nft pods have no ports of the host, and reach only what knows their addresses');
      return isThere;
    });
    return this.filter;
  }

  private plug(id: string, pid: number, ip: string): Promise<void> {
    const name = interfaceOf(id);
    return tellKernel(
      this.steward,
      addVeth(name, pid, this.config.mtu),
      attachToBridge(name, this.bridge),
      allowHairpin(name),
      { enter: pid },
      takeUp('lo'),
      addAddress('eth0', ip, this.prefix),
      takeUp('eth0'),
      addDefaultRoute('eth0', this.config.gateway),
    );
  }
}

/** Removes the bridge of a cluster, the interfaces on it, and its packet filter tables. Safe to repeat. */
export async function purgeNetwork(
  config: Pick<PodNetworkConfig, 'cluster' | 'bridge'>,
  steward: Steward,
): Promise<void> {
  const bridge = bridgeName(config);
  for (const name of [...(await portsOf(bridge)), bridge]) {
    await tellKernel(steward, deleteLink(name)).catch((error: unknown) => {
      if (!isErrno(error, kernelErrors.noSuchDevice)) throw error;
    });
  }
  await forgetForwarding(bridge);
  if (!(await hasProgram('nft'))) return;
  const tables = await tryProgram('nft', ['list', 'tables', 'ip']);
  for (const [, name = ''] of tables.stdout.matchAll(/^table ip (\S+)$/gm)) {
    if (name.startsWith(`${bridge}-`)) await runProgram('nft', ['delete', 'table', 'ip', name]);
  }
}

/** The interfaces of pods on a bridge. Others', and a bridge that is not there, are none. */
async function portsOf(bridge: string): Promise<string[]> {
  try {
    return (await readdir(`/sys/class/net/${bridge}/brif`)).filter((name) => name.startsWith(interfacePrefix));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const interfacePrefix = 'nsv';

/** An interface's name has at most 15 characters. */
function interfaceOf(sandboxId: string): string {
  return `${interfacePrefix}${sandboxId.slice(0, 12)}`;
}

function failure(what: string, error: unknown): RuntimeError {
  return new RuntimeError('create-failed', `${what}: ${error instanceof Error ? error.message : String(error)}`);
}
