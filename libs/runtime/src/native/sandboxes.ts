import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, delay } from '#machinery';
import { RuntimeError, type SandboxConfig } from '../container-runtime';
import { removeCgroup } from './cgroups';
import { pauseCode } from '../images/pause-program';
import { staticElf } from '../images/static-elf';
import { thisArchitecture } from '../local-image';
import { exists } from './host-facts';
import { type Layout } from './layout';
import { mountShm, unmount } from './mounts';
import { type NativeNetwork } from './network/native-network';
import { type HostFacts, sandboxSpec } from './oci/oci-spec';
import { isAlive, processRef, signalProcess } from './processes';
import { newId, type Records, type SandboxRecord } from './records';
import { type OciRuntime } from './oci-runtime/oci-runtime';
import { type Steward } from './steward';

const lookMs = 5;
/** How long the kernel may take to end what was killed. */
const killMs = 10_000;

export interface Parts {
  readonly layout: Layout;
  readonly records: Records;
  readonly runtime: OciRuntime;
  readonly network: NativeNetwork;
  readonly steward: Steward;
  readonly host: HostFacts;
  readonly clock: Clock;
  /** Where containers are counted, unless the pod says otherwise. */
  readonly cgroupParent: string;
}

/** Writes what pause processes run from: the program, and places for /proc and devices. */
export async function preparePause({ pause }: Layout): Promise<void> {
  for (const name of ['proc', 'dev']) await mkdir(path.join(pause, name), { recursive: true, mode: 0o755 });
  const program = path.join(pause, 'pause');
  const architecture = thisArchitecture();
  if (!(await exists(program)))
    await writeFile(program, staticElf(architecture, pauseCode(architecture)), { mode: 0o755 });
}

/** The sandboxes of pods: a pause process that holds their namespaces, their interface, and memory for /dev/shm. */
export class Sandboxes {
  constructor(private readonly parts: Parts) {}

  async run(config: SandboxConfig): Promise<SandboxRecord> {
    const { records, network, clock } = this.parts;
    const record: SandboxRecord = { id: newId(), config, createdAt: Math.floor(clock.now()) };
    await records.putSandbox(record);
    try {
      if (!config.hostNetwork) await network.ensure();
      const pid = await this.start(record);
      const pause = await processRef(pid);
      const started: SandboxRecord = { ...record, ...(pause === undefined ? {} : { pause }) };
      await records.putSandbox({ ...started, isUnfinished: true });
      if (!config.hostNetwork) await this.connect(started, pid);
      await records.putSandbox(started);
      return started;
    } catch (error) {
      await this.remove(records.sandboxes.get(record.id) ?? record);
      throw error;
    }
  }

  /** Ends the pause process and gives its address back. Safe to repeat. */
  async stop({ pause, ...record }: SandboxRecord): Promise<void> {
    const { runtime, records, network, clock } = this.parts;
    await signalProcess(pause, 'SIGKILL');
    for (const deadline = clock.monotonic() + killMs; await isAlive(pause); await delay(clock, lookMs)) {
      if (clock.monotonic() < deadline) continue;
      throw new RuntimeError('unavailable', `the pause process of sandbox ${record.id} was killed, but does not end`);
    }
    if (await runtime.knows(record.id)) await runtime.delete(record.id);
    if (!record.config.hostNetwork) await network.disconnect(record.id);
    if (records.sandboxes.has(record.id)) await records.putSandbox(record);
    if (record.config.portMappings.length > 0) await this.applyFilter();
  }

  async remove(record: SandboxRecord): Promise<void> {
    const { records, layout, steward, cgroupParent } = this.parts;
    await this.stop(record);
    await removeCgroup(path.join(record.config.cgroupParent ?? cgroupParent, record.id));
    await unmount(steward, layout.shm(record.id));
    await records.dropSandbox(record.id);
  }

  /** Host ports of the sandboxes that run. */
  applyFilter(): Promise<void> {
    const { network, records } = this.parts;
    return network.applyFilter(() =>
      [...records.sandboxes.values()].flatMap(({ config, pause }) => (pause === undefined ? [] : config)),
    );
  }

  private async start({ id, config }: SandboxRecord): Promise<number> {
    const { layout, runtime, steward, host, cgroupParent } = this.parts;
    const bundle = layout.sandbox(id);
    const cgroupsPath = path.join(config.cgroupParent ?? cgroupParent, id);
    const spec = sandboxSpec(config, { rootfs: layout.pause, cgroupsPath, host });
    await runtime.writeBundle(bundle, spec);
    const [pid] = await Promise.all([runtime.runDetached(id, bundle), mountShm(steward, layout.shm(id))]);
    return pid;
  }

  private async connect({ id, config: { ip, portMappings } }: SandboxRecord, pid: number): Promise<void> {
    const { network } = this.parts;
    if (ip === undefined) return network.loopback(pid);
    await network.connect(id, pid, ip);
    if (portMappings.length > 0) await this.applyFilter();
  }
}
