import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { holdHostMutex } from '#process';
import { type SpawnCommand } from './spawn-command';

/** Of 198.18.0.0/15, which is for tests (RFC 2544): one for each run that is going on. */
const NETWORKS = Array.from({ length: 256 }, (_, number) => `198.18.${number}`);
const NAMESPACES = '/run/netns';

/**
 * Machines on a switch, as network namespaces, and this machine beside them:
 *
 *     switch ─┬─ here 198.18.0.1
 *             ├─ m1   198.18.0.11
 *             └─ m2   198.18.0.12 …
 *
 * What goes from one to another can be cut, in one direction or both, or made to lose packets; this machine always gets through.
 * Another run at the same time has other addresses, and what an interrupted one left behind is removed.
 */
export class ChaosNetwork {
  private readonly prefix = `chaos${process.pid}`;
  private readonly uplink = `ch${process.pid}`;
  private readonly machines: string[] = [];

  private constructor(private readonly network: OwnNetwork) {
    ip('netns', 'add', this.namespace('switch'));
    this.inside('switch', 'ip', 'link', 'add', 'br0', 'type', 'bridge');
    this.inside('switch', 'ip', 'link', 'set', 'br0', 'up');
    ip('link', 'add', this.uplink, 'type', 'veth', 'peer', 'name', 'here', 'netns', this.namespace('switch'));
    ip('addr', 'add', `${this.network.prefix}.1/24`, 'dev', this.uplink);
    ip('link', 'set', this.uplink, 'up');
    this.plug('here');
  }

  static async create(): Promise<ChaosNetwork> {
    removeAbandoned();
    return new ChaosNetwork(await ownNetwork());
  }

  add(machine: string): void {
    const address = this.address(machine);
    ip('netns', 'add', this.namespace(machine));
    this.machines.push(machine);
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace(machine)];
    this.inside('switch', 'ip', 'link', 'add', machine, ...peer);
    this.plug(machine);
    this.inside(machine, 'ip', 'link', 'set', 'lo', 'up');
    this.inside(machine, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    this.inside(machine, 'ip', 'link', 'set', 'eth0', 'up');
    this.inside(machine, 'nft', 'add table inet chaos; add chain inet chaos in { type filter hook input priority 0; }');
  }

  /** @param machine `m` and a number */
  address(machine: string): string {
    return `${this.network.prefix}.${10 + Number(machine.slice(1))}`;
  }

  /** How to run a program on a machine. */
  command(machine: string, [program, ...args]: SpawnCommand): SpawnCommand {
    return ['ip', 'netns', 'exec', this.namespace(machine), program, ...args];
  }

  /** From now on nothing that `from` sends reaches `to`. */
  cut(from: string, to: string): void {
    this.rule(to, `ip saddr ${this.address(from)} drop`);
  }

  /** So many percent of what `from` sends to `to` are lost. */
  lose(from: string, to: string, percent: number): void {
    this.rule(to, `ip saddr ${this.address(from)} numgen random mod 100 < ${percent} drop`);
  }

  heal(): void {
    for (const machine of this.machines) this.inside(machine, 'nft', 'flush chain inet chaos in');
  }

  async remove(): Promise<void> {
    for (const machine of [...this.machines.splice(0), 'switch']) ip('netns', 'delete', this.namespace(machine));
    await this.network.release();
  }

  private rule(machine: string, rule: string): void {
    this.inside(machine, 'nft', `add rule inet chaos in ${rule}`);
  }

  private plug(cable: string): void {
    this.inside('switch', 'ip', 'link', 'set', cable, 'master', 'br0', 'up');
  }

  private namespace(name: string): string {
    return `${this.prefix}-${name}`;
  }

  private inside(machine: string, ...command: SpawnCommand): void {
    ip('netns', 'exec', this.namespace(machine), ...command);
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

interface OwnNetwork {
  /** The first three numbers of its addresses. */
  readonly prefix: string;
  release(): Promise<void>;
}

async function ownNetwork(): Promise<OwnNetwork> {
  for (const prefix of NETWORKS) {
    const lock = await holdHostMutex(`chaos network ${prefix}`);
    if (lock !== undefined) return { prefix, ...lock };
  }
  throw new Error('no network is free');
}

/** Namespaces of runs that are no more; a link goes with the namespace at its other end. */
function removeAbandoned(): void {
  if (!existsSync(NAMESPACES)) return;
  for (const name of readdirSync(NAMESPACES)) {
    const [, pid] = /^chaos(\d+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      ip('netns', 'delete', name);
    } catch (error) {
      // Somebody else was faster.
      if (existsSync(path.join(NAMESPACES, name))) throw error;
    }
  }
}
