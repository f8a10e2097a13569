import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Turns } from '#machinery';
import { cgroupOf } from '../cgroup-parent';
import { RuntimeError } from '../container-runtime';
import { Containers } from './containers';
import { hostFacts } from './host-facts';
import { ImageStore } from './images/image-store';
import { type Layout } from './layout';
import { unmount } from './mounts';
import { NativeNetwork } from './network/native-network';
import { type NativeRuntimeOptions } from './native-runtime';
import { Records } from './records';
import { findPrograms } from './oci-runtime/find-programs';
import { type Supervisor } from './oci-runtime/supervisor';
import { type Parts, preparePause, Sandboxes } from './sandboxes';
import { userNamespaceObstacles } from './rootless/user-namespace';
import { tryProgram } from './run-program';
import { Steward } from './steward';
import { settleUnfinished } from './unfinished';

export interface NativeParts extends Parts {
  readonly images: ImageStore;
  readonly supervisor: Supervisor;
  readonly sandboxes: Sandboxes;
  readonly containers: Containers;
}

/** How many programs of one kind run at a time: most of what they take is the processor's time. */
export const mostAtOnce = Math.max(4, 2 * availableParallelism());

/** Opens what a runtime works with, and removes what a crash has left. */
export async function openParts(options: NativeRuntimeOptions, layout: Layout): Promise<NativeParts> {
  const { cluster, node, clock, random, logger } = options;
  if (process.getuid?.() !== 0) throw new RuntimeError('unavailable', await whyNotRoot());
  const records = new Records(layout);
  for (const file of await records.load()) {
    logger.warn({ file }, 'this is no record of a container or sandbox, whose rest is removed');
  }
  const steward = new Steward(layout.root);
  const { runtime, supervisor } = await findPrograms(layout, steward, options.programs);
  await checkPrograms();
  await preparePause(layout);
  const host = await hostFacts();
  const network = new NativeNetwork(options, node, steward, logger, options.rootless);
  const images = await ImageStore.open({ ...options.images, clock, random, logger });
  const parts = { layout, records, runtime, network, steward, host, clock, cgroupParent: cgroupOf(cluster) };
  const prefix = `${createHash('sha256').update(options.directory).digest('hex').slice(0, 12)}-`;
  const user = (id: string): string => `${prefix}${id}`;
  const sandboxes = new Sandboxes(parts);
  const containers = new Containers({ ...parts, supervisor, images, user });
  try {
    await settleUnfinished(parts);
    await removeLeftovers(parts, sandboxes);
    for (const known of await images.users()) {
      if (known.startsWith(prefix) && !records.containers.has(known.slice(prefix.length))) await images.release(known);
    }
    await sandboxes.applyFilter().catch((error: unknown) => {
      // A port that somebody else has taken meanwhile is no reason not to run.
      if (options.rootless === undefined) throw error;
      logger.warn({ err: error }, 'ports of the host cannot be opened');
    });
  } catch (error) {
    network.close();
    await Promise.all([images.close(), steward.close()]);
    throw error;
  }
  return { ...parts, supervisor, images, sandboxes, containers };
}

async function whyNotRoot(): Promise<string> {
  const obstacles = await userNamespaceObstacles();
  const why = obstacles.length === 0 ? 'there is none here' : obstacles.join('; ');
  return `containers without an engine need root, or a user namespace of one's own: ${why}`;
}

/** Ends what is under way. */
export async function closeParts({ network, images, steward }: NativeParts): Promise<void> {
  network.close();
  await images.close();
  await steward.close();
}

async function checkPrograms(): Promise<void> {
  for (const [program, ...args] of [
    ['nsenter', '--version'],
    ['perl', '--version'],
  ] as const) {
    await tryProgram(program, args);
  }
}

/** Sandboxes that were never started, and directories that were being made or removed. */
async function removeLeftovers({ layout, records, runtime, steward }: Parts, sandboxes: Sandboxes): Promise<void> {
  const unused = [...records.sandboxes.values()].filter(
    ({ id, pause, isUnfinished }) =>
      (pause === undefined || isUnfinished === true) && records.containersOf(id).length === 0,
  );
  const turns = new Turns(mostAtOnce);
  await Promise.all(unused.map((record) => turns.run(() => sandboxes.remove(record))));
  for (const [parent, known] of [
    [layout.sandboxes, records.sandboxes],
    [layout.containers, records.containers],
  ] as const) {
    for (const id of await readdir(parent)) {
      if (known.has(id)) continue;
      if (await runtime.knows(id)) await runtime.delete(id);
      for (const mount of [layout.rootfs(id), layout.shm(id)]) await unmount(steward, mount);
      await rm(path.join(parent, id), { recursive: true, force: true });
    }
  }
}
