import { type PortMapping } from '#runtime';
import { containersOf, type PodObject } from '../pods/pod-containers';

/** Ports of the host that a pod takes. With `hostNetwork` the API has set `hostPort` to the container's port. */
export function hostPortsOf(pod: PodObject): readonly PortMapping[] {
  return containersOf(pod)
    .filter(({ kind }) => kind === 'main' || kind === 'sidecar')
    .flatMap(({ spec }) => spec.ports ?? [])
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map(({ containerPort, hostPort, hostIP, protocol }) => ({
      containerPort,
      hostPort: hostPort!,
      ...(hostIP === undefined || hostIP === '' ? {} : { hostIp: hostIP }),
      protocol: (protocol ?? 'TCP') as PortMapping['protocol'],
    }));
}

/** Whether two pods want the same port of the host. */
export function hostPortsConflict(a: readonly PortMapping[], b: readonly PortMapping[]): boolean {
  const any = (ip: string | undefined): boolean => ip === undefined || ip === '0.0.0.0' || ip === '::';
  return a.some((one) =>
    b.some(
      (other) =>
        one.hostPort === other.hostPort &&
        one.protocol === other.protocol &&
        (any(one.hostIp) || any(other.hostIp) || one.hostIp === other.hostIp),
    ),
  );
}
