import { mkdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { delay } from '#machinery';
import { type ContainerConfig, type ContainerStatus, RuntimeError, type SandboxConfig } from '../container-runtime';
import { removeCgroup } from './cgroups';
import { containerStatusOf } from './container-state';
import { devicesOf } from './devices';
import { exists } from './host-facts';
import { type ImageStore } from './images/image-store';
import { lowerFile } from './images/layers/lower-layers';
import { mountRoot, unmount } from './mounts';
import { containerSpec } from './oci/oci-spec';
import { isAlive, processRef, type ProcessRef, signalProcess } from './processes';
import { type ContainerRecord, newId } from './records';
import { type Supervisor } from './oci-runtime/supervisor';
import { type Parts } from './sandboxes';
import { capabilitiesOf } from './oci/capabilities';
import { seccompProfile } from './seccomp/seccomp-profile';

const lookMs = 5;
/** How long the kernel may take to end what was killed. */
const killMs = 10_000;

export interface ContainerParts extends Parts {
  readonly images: ImageStore;
  readonly supervisor: Supervisor;
  /** Distinguishes this node's containers among the users of images. */
  readonly user: (containerId: string) => string;
}

/** The containers of a node. A container that was not started is a record; its root is mounted when it starts. */
export class Containers {
  constructor(private readonly parts: ContainerParts) {}

  async create(sandboxId: string, sandbox: SandboxConfig, config: ContainerConfig): Promise<ContainerRecord> {
    const { records, images, user, clock } = this.parts;
    const taken = records.named(sandbox.pod, config);
    if (taken !== undefined) {
      if ((await this.status(taken)).state !== 'created') {
        const message = `failed to reserve container name "${config.name}": name is reserved for "${taken.id}"`;
        throw new RuntimeError('already-exists', message);
      }
      // A crash between create and start has left it.
      await this.remove(taken);
    }
    await Promise.all(config.mounts.map(({ hostPath }) => makeMissing(hostPath)));
    const id = newId();
    const { imageId, layers, config: image } = await images.rootfs(config.image, user(id));
    const record: ContainerRecord = {
      id,
      sandboxId,
      sandbox,
      config,
      imageId,
      layers,
      image,
      stopSignal: config.stopSignal ?? image.stopSignal ?? 'SIGTERM',
      createdAt: Math.floor(clock.now()),
    };
    try {
      await this.writeBundle(record);
      await records.putContainer(record);
    } catch (error) {
      await rm(this.parts.layout.container(id), { recursive: true, force: true });
      await images.release(user(id));
      throw error;
    }
    return record;
  }

  /** Starting what runs already succeeds. What cannot be started is `exited`, and says why. */
  async start(record: ContainerRecord): Promise<void> {
    const { state } = await this.status(record);
    if (state === 'running') return;
    if (state === 'exited') throw new RuntimeError('start-failed', `container ${record.id} has already ended`);
    const { records, clock, runtime, layout, steward } = this.parts;
    try {
      await this.launch(record);
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code === 'unavailable') throw error;
      const { message } = error;
      const at = Math.ceil(clock.now());
      await records.putContainer({ ...record, failure: { exitCode: exitCodeOf(message), message, at } });
      if (await runtime.knows(record.id)) await runtime.delete(record.id);
      await unmount(steward, layout.rootfs(record.id));
      throw new RuntimeError('start-failed', message);
    }
  }

  /** Signals, and kills after `timeoutSeconds`. Resolves when it has ended. */
  async stop(record: ContainerRecord, timeoutSeconds: number, signal?: string): Promise<void> {
    if ((await this.status(record)).state !== 'running') return;
    if (timeoutSeconds > 0) {
      await signalProcess(record.main, signalOf(signal ?? record.stopSignal));
      if (await this.ends(record, timeoutSeconds * 1000)) return;
    }
    await signalProcess(record.main, 'SIGKILL');
    if (await this.ends(record, killMs)) return;
    throw new RuntimeError('unavailable', `container ${record.id} was killed, but does not end`);
  }

  /** Removes whatever there is of it, whether it runs or not. */
  async remove(record: ContainerRecord): Promise<void> {
    const { layout, runtime, steward, records, images, user, clock, cgroupParent } = this.parts;
    await this.stop(record, 0);
    // Its last act is to remove what the runtime knows of the container.
    for (const deadline = clock.monotonic() + killMs; await isAlive(record.supervisor); await delay(clock, lookMs)) {
      if (clock.monotonic() > deadline) await signalProcess(record.supervisor, 'SIGKILL');
    }
    if (await runtime.knows(record.id)) await runtime.delete(record.id);
    await removeCgroup(path.join(record.sandbox.cgroupParent ?? cgroupParent, record.id));
    await unmount(steward, layout.rootfs(record.id));
    await images.release(user(record.id));
    await records.dropContainer(record.id);
  }

  status(record: ContainerRecord): Promise<ContainerStatus> {
    return containerStatusOf(this.parts.layout, record);
  }

  private async launch(record: ContainerRecord): Promise<void> {
    const { layout, runtime, steward, supervisor, records, clock, host } = this.parts;
    const { id, config } = record;
    // A start that was cut short.
    if (await runtime.knows(id)) await runtime.delete(id);
    await unmount(steward, layout.rootfs(id));
    await mountRoot(steward, layout.container(id), record.layers, host.userNamespace !== undefined);
    const { name, tty, stdin, stdinOnce } = config;
    const created = await supervisor.create(id, { name, tty, stdin, stdinOnce });
    const refs = await Promise.all([processRef(created.pid), processRef(created.supervisor)]);
    // Before it runs: what ends at once must not end before it began.
    await records.putContainer({ ...record, startedAt: Math.floor(clock.now()), ...named(...refs) });
    try {
      await runtime.start(id);
    } catch (error) {
      // What ends at once may be removed, by its supervisor, while `start` still cleans up after itself.
      if (!(await exists(layout.exit(id)))) throw error;
    }
  }

  /** What the image or this machine cannot do for a container is said now, before there is one (CRI, `CreateContainer`). */
  private async writeBundle(record: ContainerRecord): Promise<void> {
    const { layout, runtime } = this.parts;
    const bundle = layout.container(record.id);
    const spec = await this.specOf(record);
    await mkdir(bundle, { recursive: true, mode: 0o700 });
    await runtime.writeBundle(bundle, spec);
  }

  private async specOf(record: ContainerRecord) {
    const { layout, records, host, cgroupParent } = this.parts;
    const { id, sandboxId, sandbox, config, image, layers } = record;
    const sandboxPid = records.sandboxes.get(sandboxId)?.pause?.pid;
    if (sandboxPid === undefined) throw new RuntimeError('create-failed', `sandbox ${sandboxId} does not run`);
    const rootfs = layout.rootfs(id);
    const [passwd, group, devices, seccomp] = await Promise.all([
      userFile(layers, 'passwd'),
      userFile(layers, 'group'),
      devicesOf(config),
      seccompProfile(config.security.seccomp, capabilitiesOf(config.security, host.capabilities)),
    ]);
    return containerSpec({
      sandbox,
      config,
      image,
      users: { passwd, group },
      rootfs,
      cgroupsPath: path.join(sandbox.cgroupParent ?? cgroupParent, id),
      shm: sandbox.hostIpc ? '/dev/shm' : layout.shm(sandboxId),
      sandboxPid,
      ...this.target(config),
      devices,
      ...(seccomp === undefined ? {} : { seccomp }),
      host,
    });
  }

  private target({ targetContainerId }: ContainerConfig): { targetPid?: number } {
    if (targetContainerId === undefined) return {};
    const pid = this.parts.records.containers.get(targetContainerId)?.main?.pid;
    if (pid === undefined) throw new RuntimeError('create-failed', `container ${targetContainerId} does not run`);
    return { targetPid: pid };
  }

  private async ends(record: ContainerRecord, timeoutMs: number): Promise<boolean> {
    const { clock } = this.parts;
    for (const deadline = clock.monotonic() + timeoutMs; ; await delay(clock, lookMs)) {
      if ((await this.status(record)).state !== 'running') return true;
      if (clock.monotonic() >= deadline) return false;
    }
  }
}

const maxUserFile = 4 * 2 ** 20;

/** A file of /etc in an image, as text. Empty: there is none. */
async function userFile(layers: readonly string[], name: string): Promise<string> {
  return (await lowerFile([...layers].reverse(), `etc/${name}`, maxUserFile)) ?? '';
}

function named(main?: ProcessRef, supervisor?: ProcessRef): Pick<ContainerRecord, 'main' | 'supervisor'> {
  return { ...(main === undefined ? {} : { main }), ...(supervisor === undefined ? {} : { supervisor }) };
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** As Docker: 127: no such program, 126: it may not be executed, 128: anything else. */
export function exitCodeOf(message: string): number {
  if (/executable file not found|exec: .*no such file or directory/.test(message)) return 127;
  return /exec: .*(permission denied|is a directory|exec format error)/.test(message) ? 126 : 128;
}

/** `SIGTERM`, `TERM` and `15` are the same. */
function signalOf(text: string): NodeJS.Signals {
  const upper = text.toUpperCase();
  const name = /^\d+$/.test(upper) ? signalNames.get(Number(upper)) : upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if (name === undefined || !(name in constants.signals)) {
    throw new RuntimeError('invalid-argument', `invalid signal: ${text}`);
  }
  return name as NodeJS.Signals;
}

/** A directory that a mount expects is made, as containerd does; anything else that is there is left alone. */
async function makeMissing(hostPath: string): Promise<void> {
  try {
    await mkdir(hostPath, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new RuntimeError('create-failed', message);
  }
}
