import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, delay } from '#machinery';
import { cgroupOf } from '../cgroup-parent';
import { type PodNetworkConfig } from '../docker/network';
import { cgroupPlaces } from './cgroups';
import { exists } from './host-facts';
import { Layout } from './layout';
import { unmount } from './mounts';
import { purgeNetwork } from './network/native-network';
import { isAlive, signalProcess } from './processes';
import { Records } from './records';
import { findPrograms } from './oci-runtime/find-programs';
import { Steward } from './steward';

const lookMs = 10;

export interface NativePurge extends Pick<PodNetworkConfig, 'cluster' | 'bridge'> {
  /** The directories of the cluster's runtimes are in it. */
  readonly directory: string;
  readonly clock: Clock;
}

/** Removes all that runtimes have left: processes, mounts, interfaces, packet filter tables, cgroups, files. Images stay. Safe to repeat. */
export async function purgeNative({ directory, clock, ...network }: NativePurge): Promise<void> {
  if (!(await exists(directory))) return;
  const steward = new Steward(directory);
  try {
    for (const name of await readdir(directory))
      await purgeRuntime(new Layout(path.join(directory, name)), steward, clock);
    await purgeNetwork(network, steward);
  } finally {
    await steward.close();
  }
  await removeCgroups(cgroupOf(network.cluster));
  await rm(directory, { recursive: true, force: true });
}

async function purgeRuntime(layout: Layout, steward: Steward, clock: Clock): Promise<void> {
  const records = new Records(layout);
  await records.load();
  const { runtime } = await findPrograms(layout, steward);
  const left = (await exists(runtime.state)) ? await readdir(runtime.state) : [];
  await Promise.all(left.map((id) => runtime.delete(id)));
  const processes = [
    ...[...records.containers.values()].flatMap(({ main, supervisor }) => [main, supervisor]),
    ...[...records.sandboxes.values()].map(({ pause }) => pause),
  ];
  for (const one of processes) {
    await signalProcess(one, 'SIGKILL');
    while (await isAlive(one)) await delay(clock, lookMs);
  }
  for (const id of await readdir(layout.containers)) await unmount(steward, layout.rootfs(id));
  for (const id of await readdir(layout.sandboxes)) await unmount(steward, layout.shm(id));
}

/** With those of the pods in it. */
async function removeCgroups(group: string): Promise<void> {
  for (const own of await cgroupPlaces(group)) {
    if (!(await exists(own).catch(() => false))) continue;
    for (const entry of await readdir(own, { withFileTypes: true })) {
      if (entry.isDirectory()) await rmdir(path.join(own, entry.name));
    }
    await rmdir(own);
  }
}
