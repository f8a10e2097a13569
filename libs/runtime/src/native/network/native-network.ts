import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { bridgeName, type PodNetworkConfig } from '../../docker/network';
import { RuntimeError, type SandboxConfig } from '../../container-runtime';
import { runProgram, tryProgram } from '../run-program';
import { acceptForwarding, forgetForwarding } from './forwarding';
import { podRules } from './packet-filter';

type Pod = Pick<SandboxConfig, 'ip' | 'portMappings'>;

/** The bridge of a cluster, the interfaces of its pods, and the ports of the host that lead to them. */
export class NativeNetwork {
  readonly bridge: string;
  private readonly prefix: string;
  private readonly table: string;
  private ready: Promise<void> | undefined;
  private filtering: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: PodNetworkConfig,
    node: string,
  ) {
    this.bridge = bridgeName(config);
    this.prefix = config.clusterCidr.split('/')[1] ?? '16';
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
      await this.plug(id, pid);
    } catch (error) {
      if (!/does not exist|Cannot find device|argument "\S+" is wrong/i.test(String(error))) {
        throw failure('cannot connect the pod', error);
      }
      // Somebody removed the bridge.
      this.ready = undefined;
      await this.ensure();
      await this.plug(id, pid);
    }
    const inside = [
      'link set lo up',
      `addr add ${ip}/${this.prefix} broadcast + dev eth0`,
      'link set eth0 up',
      `route add default via ${this.config.gateway}`,
    ];
    await runProgram('nsenter', ['-t', String(pid), '-n', 'ip', '-batch', '-'], { input: lines(inside) }).catch(
      (error: unknown) => {
        throw failure('cannot give the pod its address', error);
      },
    );
  }

  /** Loopback alone, for a pod without an address. */
  async loopback(pid: number): Promise<void> {
    await runProgram('nsenter', ['-t', String(pid), '-n', 'ip', 'link', 'set', 'lo', 'up']);
  }

  /** Removes the interface now: a namespace may live on in a process that is being killed, and would keep the address. */
  async disconnect(id: string): Promise<void> {
    const { code, stderr } = await tryProgram('ip', ['link', 'delete', interfaceOf(id)]);
    if (code !== 0 && !/Cannot find device/.test(stderr)) throw failure('cannot disconnect the pod', stderr.trim());
  }

  /** Makes the rules of the node those of `pods()`, which is called when it is its turn. */
  applyFilter(pods: () => readonly Pod[]): Promise<void> {
    const apply = async (): Promise<void> => {
      const ports = pods().flatMap(({ ip, portMappings }) =>
        ip === undefined ? [] : portMappings.map((mapping) => ({ ...mapping, podIp: ip })),
      );
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

  private async create(): Promise<void> {
    const { gateway, mtu } = this.config;
    const { code, stderr } = await tryProgram('ip', ['link', 'add', this.bridge, 'type', 'bridge']);
    if (code !== 0 && !/File exists/.test(stderr)) throw new Error(stderr.trim());
    const commands = [
      ...(mtu === undefined ? [] : [`link set ${this.bridge} mtu ${mtu}`]),
      `addr replace ${gateway}/${this.prefix} broadcast + dev ${this.bridge}`,
      `link set ${this.bridge} up`,
    ];
    await runProgram('ip', ['-batch', '-'], { input: lines(commands) });
    await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
    await writeFile(`/proc/sys/net/ipv4/conf/${this.bridge}/route_localnet`, '1');
    await acceptForwarding(this.bridge);
  }

  private async plug(id: string, pid: number): Promise<void> {
    const name = interfaceOf(id);
    const mtu = this.config.mtu === undefined ? '' : `mtu ${this.config.mtu}`;
    const commands = [
      `link add ${name} ${mtu} type veth peer name eth0 ${mtu} netns ${pid}`,
      `link set ${name} master ${this.bridge} up`,
      `link set ${name} type bridge_slave hairpin on`,
    ];
    await runProgram('ip', ['-batch', '-'], { input: lines(commands) });
  }
}

/** Removes the bridge of a cluster, the interfaces on it, and its packet filter tables. Safe to repeat. */
export async function purgeNetwork(config: Pick<PodNetworkConfig, 'cluster' | 'bridge'>): Promise<void> {
  const bridge = bridgeName(config);
  const listed = await tryProgram('ip', ['-o', 'link', 'show', 'master', bridge]);
  if (listed.code === 0) {
    for (const [, name = ''] of listed.stdout.matchAll(/^\d+: (nsv[0-9a-f]+)@/gm)) {
      await tryProgram('ip', ['link', 'delete', name]);
    }
    await runProgram('ip', ['link', 'delete', bridge]);
  }
  await forgetForwarding(bridge);
  const tables = await tryProgram('nft', ['list', 'tables', 'ip']);
  for (const [, name = ''] of tables.stdout.matchAll(/^table ip (\S+)$/gm)) {
    if (name.startsWith(`${bridge}-`)) await runProgram('nft', ['delete', 'table', 'ip', name]);
  }
}

/** An interface's name has at most 15 characters. */
function interfaceOf(sandboxId: string): string {
  return `nsv${sandboxId.slice(0, 12)}`;
}

function lines(commands: readonly string[]): string {
  return `${commands.join('\n')}\n`;
}

function failure(what: string, error: unknown): RuntimeError {
  return new RuntimeError('create-failed', `${what}: ${error instanceof Error ? error.message : String(error)}`);
}
