import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../tools/eventually';

const run = promisify(execFile);
const CGROUPS = '/sys/fs/cgroup';

/** What its first process does. /run and /sys are its own, so that the engine's files are where they are on any machine. */
const BOOT = `
hostname "$1"
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/cgroup
mount --rbind ${CGROUPS} /run/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup ${CGROUPS}
exec dockerd --data-root "$2" --cgroup-parent "$3" --bridge none --ip6tables=false --storage-driver overlay2`;

export interface MachineOptions {
  readonly name: string;
  /** Name of the network namespace that it lives in. */
  readonly network: string;
  /** For its disk and its log; made. */
  readonly directory: string;
}

/**
 * A machine with a container engine of its own: its own network, processes, mounts and host name. Whatever runs on it ends with it.
 */
export class Machine {
  private constructor(
    private readonly options: MachineOptions,
    private readonly cgroup: string,
    private readonly init: ChildProcess,
    private readonly pid: number,
  ) {}

  /** Resolves when its engine answers. */
  static async boot(options: MachineOptions): Promise<Machine> {
    const { name, network, directory } = options;
    mkdirSync(directory, { recursive: true });
    const cgroup = `/${network}`;
    const log = openSync(join(directory, 'dockerd.log'), 'a');
    const namespaces = ['--mount', '--pid', '--uts', '--fork', '--kill-child', '--propagation', 'private'];
    const disk = join(directory, 'docker');
    const init = spawn(
      'nsenter',
      [`--net=/run/netns/${network}`, 'unshare', ...namespaces, 'sh', '-ec', BOOT, 'boot', name, disk, cgroup],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    const machine = await eventually(() => {
      const children = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8').trim();
      if (children === '') throw new Error(`${name} does not start`);
      return new Machine(options, cgroup, init, Number(children));
    });
    try {
      await eventually(() => machine.run('docker', 'version'), 60_000);
      return machine;
    } catch (error) {
      await machine.powerOff();
      throw error;
    }
  }

  /** What runs a program on this machine. It ends with the process that started it. */
  get prefix(): [string, ...string[]] {
    const { pid } = this;
    return ['nsenter', `--target=${pid}`, '--mount', '--net', '--pid', '--uts', 'setpriv', '--pdeathsig', 'KILL'];
  }

  /** Resolves with what it prints; rejects if it fails. */
  async run(...argv: string[]): Promise<string> {
    const [program, ...rest] = [...this.prefix, ...argv] as [string, ...string[]];
    return (await run(program, rest, { maxBuffer: 64 << 20 })).stdout;
  }

  /** Ends everything on it at once. */
  async powerOff(): Promise<void> {
    if (this.init.exitCode === null && this.init.signalCode === null) {
      const ended = once(this.init, 'exit');
      this.init.kill('SIGKILL');
      await ended;
    }
    await eventually(() => {
      if (existsSync(`/proc/${this.pid}`)) throw new Error(`${this.options.name} still runs`);
    });
    for (const hierarchy of readdirSync(CGROUPS)) {
      const directory = join(CGROUPS, hierarchy, this.cgroup);
      // Its last processes may still be leaving.
      if (existsSync(directory)) await eventually(() => removeCgroups(directory));
    }
    execFileSync('rm', ['-rf', this.options.directory]);
  }
}

function removeCgroups(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroups(join(directory, entry.name));
  }
  rmdirSync(directory);
}
