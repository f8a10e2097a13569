import {
  type OverlayChanges,
  type OverlayPlan,
  type OverlayState,
  OVERLAY_ROUTE_PROTOCOL,
  isInCidr,
  overlayChanges,
  overlayDeviceName,
} from '#network';
import { type Logger } from '#telemetry';
import { createRunCommand, type RunCommand } from '../host/command';
import { type HostFiles, hostFiles } from '../host/host-files';

/** The kernel's routing, as the overlay needs it. */
export interface OverlayHost {
  /**
   * Makes the kernel agree with the plan and touches nothing that does already. Rejects with what `ip` says; what was done until then
   * stays, and the next call goes on from there. Resolves with false if something is missing that others make, the pods' bridge: then
   * it has to be called again.
   */
  apply(plan: OverlayPlan): Promise<boolean>;
}

export interface OverlayHostOptions {
  readonly cluster: string;
  readonly clusterCidr: string;
  /** The interface with this address leads to the other hosts. */
  readonly localIp: string;
  readonly logger: Logger;
  readonly run?: RunCommand;
  readonly files?: HostFiles;
}

// What `ip -json` prints, as far as it is read here.
interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly address: string;
  readonly flags: readonly string[];
  readonly linkinfo?: {
    readonly info_data?: { readonly id?: number; readonly port?: number; readonly local?: string };
  };
}
interface Interface {
  readonly ifname: string;
  readonly mtu: number;
  readonly addr_info: readonly { readonly local?: string }[];
}
interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}
interface Neighbour {
  readonly dst: string;
  readonly lladdr?: string;
}
interface ForwardingEntry {
  readonly mac: string;
  readonly dst?: string;
}

const DEFAULT_MTU = 1500;

export function createOverlayHost(options: OverlayHostOptions): OverlayHost {
  return new LinuxOverlayHost(options);
}

/** Removes everything that the cluster's overlay has left on this host. Nothing happens if there is nothing. */
export async function removeOverlay(options: Omit<OverlayHostOptions, 'localIp'>): Promise<void> {
  try {
    await createOverlayHost({ ...options, localIp: '' }).apply({ routes: [], neighbours: [], forwarding: [] });
  } catch (error) {
    // Without `ip` none was made.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

class LinuxOverlayHost implements OverlayHost {
  private readonly name: string;
  private readonly run: RunCommand;
  private readonly files: HostFiles;

  constructor(private readonly options: OverlayHostOptions) {
    this.name = overlayDeviceName(options.cluster);
    this.run = options.run ?? createRunCommand();
    this.files = options.files ?? hostFiles;
  }

  async apply(plan: OverlayPlan): Promise<boolean> {
    const interfaces = await this.json<Interface>(['ip', '-json', '-4', 'address', 'show']);
    const state = await this.state(interfaces);
    const underlayMtu = this.with(interfaces, this.options.localIp)?.mtu ?? DEFAULT_MTU;
    await this.carryOut(overlayChanges(state, plan, { name: this.name, underlayMtu }));
    return plan.routes.length === 0 || this.answerForRemotePods(interfaces);
  }

  private async state(interfaces: readonly Interface[]): Promise<OverlayState> {
    const links = await this.json<Link>(['ip', '-json', '-details', 'link', 'show', 'type', 'vxlan']);
    const link = links.find(({ ifname }) => ifname === this.name);
    const routes = await this.json<Route>([
      'ip',
      '-json',
      '-4',
      'route',
      'show',
      'proto',
      String(OVERLAY_ROUTE_PROTOCOL),
    ]);
    const ours = routes.filter(({ dst }) => isInCidr(dst.replace(/\/.*/, ''), this.options.clusterCidr));
    return {
      ...(link === undefined ? {} : { device: this.deviceOf(link, interfaces) }),
      routes: ours.map(({ dst, gateway = '', dev }) => ({
        destination: dst.includes('/') ? dst : `${dst}/32`,
        gateway,
        ...(dev === this.name ? { device: dev } : {}),
      })),
      neighbours: link === undefined ? [] : await this.neighbours(),
      forwarding: link === undefined ? [] : await this.forwarding(),
    };
  }

  private deviceOf(
    { linkinfo, address: mac, mtu, flags }: Link,
    interfaces: readonly Interface[],
  ): OverlayState['device'] {
    const { id: vni = 0, port = 0, local: localIp = '' } = linkinfo?.info_data ?? {};
    const address = interfaces.find(({ ifname }) => ifname === this.name)?.addr_info[0]?.local ?? '';
    return { name: this.name, vni, port, localIp, mac, address, mtu, isUp: flags.includes('UP') };
  }

  private async neighbours(): Promise<OverlayState['neighbours']> {
    const argv = ['ip', '-json', '-4', 'neighbour', 'show', 'dev', this.name, 'nud', 'permanent'];
    return (await this.json<Neighbour>(argv)).map(({ dst: ip, lladdr: mac = '' }) => ({ ip, mac }));
  }

  private async forwarding(): Promise<OverlayState['forwarding']> {
    const entries = await this.json<ForwardingEntry>(['bridge', '-json', 'fdb', 'show', 'dev', this.name]);
    return entries.flatMap(({ mac, dst: ip }) => (ip === undefined ? [] : [{ mac, ip }]));
  }

  private async carryOut({ ip, bridge }: OverlayChanges): Promise<void> {
    for (const [program, lines] of [
      ['ip', ip],
      ['bridge', bridge],
    ] as const) {
      if (lines.length === 0) continue;
      // Only what can be had at once: one wrong line must not keep the others from their hosts.
      const { code, stderr } = await this.run([program, '-force', '-batch', '-'], `${lines.join('\n')}\n`);
      if (code !== 0) throw new Error(`${program}: ${stderr.trim().slice(0, 2000)}`);
      this.options.logger.info({ program, lines }, 'overlay changed');
    }
  }

  /**
   * Pods take all others for neighbours on their bridge: the whole cluster's addresses are its subnet. For pods of other hosts the host
   * answers their ARP and forwards (RFC 1027), without the delay that Linux puts before such answers.
   * @returns whether there is a bridge
   */
  private async answerForRemotePods(interfaces: readonly Interface[]): Promise<boolean> {
    const { clusterCidr, logger } = this.options;
    let hasBridge = false;
    for (const { ifname, addr_info: addresses } of interfaces) {
      if (ifname === this.name || !addresses.some(({ local = '' }) => isInCidr(local, clusterCidr))) continue;
      hasBridge = true;
      for (const [name, value] of [
        [`conf/${ifname}/proxy_arp`, '1'],
        [`neigh/${ifname}/proxy_delay`, '0'],
      ] as const) {
        const path = `/proc/sys/net/ipv4/${name}`;
        if ((await this.files.read(path)) === value) continue;
        await this.files.write(path, value);
        logger.info({ path, value }, 'kernel setting changed');
      }
    }
    return hasBridge;
  }

  private with(interfaces: readonly Interface[], address: string): Interface | undefined {
    return interfaces.find(({ addr_info: addresses }) => addresses.some(({ local }) => local === address));
  }

  private async json<T>(argv: readonly string[]): Promise<readonly T[]> {
    const { code, stdout, stderr } = await this.run(argv);
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim()}`);
    return stdout.trim() === '' ? [] : (JSON.parse(stdout) as T[]).filter((entry) => entry !== null);
  }
}
