import { createHash } from 'node:crypto';
import { type NetworkCreateOptions } from 'dockerode';
import { type Logger } from '#telemetry';
import { RuntimeError } from '../container-runtime';
import { type Engine } from './engine';
import { messageOf } from './errors';
import { keys } from './labels';

export interface PodNetworkConfig {
  readonly cluster: string;
  /** All pods of the cluster. */
  readonly clusterCidr: string;
  /** The bridge's own address. */
  readonly gateway: string;
  /** Default `nestor-<cluster>`. */
  readonly name?: string;
  /** Name of the bridge interface; default: `nst` and a hash of the cluster's name. */
  readonly bridge?: string;
  /** Whether the engine masquerades what leaves the bridge. It must not where pods of other hosts are to see pods' own addresses. Default true. */
  readonly isMasqueraded?: boolean;
  /** Of the pods' interfaces; default: the engine's, 1500. */
  readonly mtu?: number;
}

const MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade';

/** Since this version published ports alone are reachable from outside the bridge, unless a network asks for more. */
const protectedSince = 28;

export function networkName({ name, cluster }: Pick<PodNetworkConfig, 'name' | 'cluster'>): string {
  return name ?? `nestor-${cluster}`;
}

/** An interface's name has at most 15 characters. */
export function bridgeName({ bridge, cluster }: Pick<PodNetworkConfig, 'bridge' | 'cluster'>): string {
  return bridge ?? `nst${createHash('sha256').update(cluster).digest('hex').slice(0, 10)}`;
}

/** The cluster's bridge network, made when it is first needed. Agents of several nodes may ask at once. */
export class PodNetwork {
  private ready: Promise<void> | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly config: PodNetworkConfig,
    private readonly logger: Logger,
  ) {}

  get name(): string {
    return networkName(this.config);
  }

  ensure(): Promise<void> {
    this.ready ??= this.create().catch((error: unknown) => {
      this.ready = undefined;
      throw error;
    });
    return this.ready;
  }

  /** It turned out to be gone. */
  forget(): void {
    this.ready = undefined;
  }

  private async create(): Promise<void> {
    if (await this.exists()) return;
    const { Version } = await this.engine.call((docker) => docker.version());
    try {
      await this.engine.call(
        (docker) => docker.createNetwork(this.options(Number.parseInt(Version, 10))),
        'create-failed',
      );
    } catch (error) {
      // Somebody else was faster: its bridge or its addresses are in the way.
      if (await this.exists()) return;
      const { clusterCidr } = this.config;
      const code = error instanceof RuntimeError ? error.code : 'create-failed';
      throw new RuntimeError(code, `cannot make the network ${this.name} (${clusterCidr}): ${messageOf(error)}`);
    }
  }

  private async exists(): Promise<boolean> {
    const filters = { name: [`^${this.name}$`] };
    const [found] = await this.engine.call((docker) => docker.listNetworks({ filters }));
    if (found === undefined) return false;
    if (this.config.isMasqueraded === false && found.Options?.[MASQUERADE] !== 'false') {
      this.logger.warn(
        { network: this.name },
        'the network of pods is from an older version: to pods of other hosts they all have the address of this one; to change that, drain its nodes, remove the network and start again',
      );
    }
    return true;
  }

  private options(major: number): NetworkCreateOptions {
    const { cluster, clusterCidr, gateway, isMasqueraded = true, mtu } = this.config;
    return {
      Name: this.name,
      Driver: 'bridge',
      CheckDuplicate: true,
      IPAM: { Driver: 'default', Config: [{ Subnet: clusterCidr, Gateway: gateway }] },
      Options: {
        'com.docker.network.bridge.name': bridgeName(this.config),
        ...(isMasqueraded ? {} : { [MASQUERADE]: 'false' }),
        ...(mtu === undefined ? {} : { 'com.docker.network.driver.mtu': String(mtu) }),
        ...(major >= protectedSince ? { 'com.docker.network.bridge.gateway_mode_ipv4': 'nat-unprotected' } : {}),
      },
      Labels: { [keys.cluster]: cluster },
    };
  }
}
