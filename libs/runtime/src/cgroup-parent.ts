import { type RuntimeInfo } from './container-runtime';

/**
 * The control group of all pods of a cluster, in each hierarchy. Like the kubelet's `kubepods` it stands beside what else the machine does: a pod
 * that asks for no processor time has the least share *of the pods*, not of everything, and is not starved by other containers.
 */
export function cgroupOf(cluster: string): string {
  return `/nestor-${cluster}`;
}

/** The same as a container engine wants to have it said: systemd's driver takes slices only. Undefined where there are no groups. */
export function cgroupParentOf(cluster: string, driver: RuntimeInfo['cgroupDriver']): string | undefined {
  if (driver === 'none') return undefined;
  return driver === 'systemd' ? `nestor-${cluster}.slice` : cgroupOf(cluster);
}
