import { type Pod } from '#api';
import { type DeepReadonly } from '#machinery';

export interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

const ANY = '0.0.0.0';

/** The ports of the node that a pod occupies. Sidecars count; plain init containers do not, as upstream has it. */
export function hostPortsOf(pod: DeepReadonly<Pod>): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap((port) =>
      port.hostPort === undefined || port.hostPort === 0
        ? []
        : [
            {
              protocol: port.protocol ?? 'TCP',
              ip: port.hostIP === undefined || port.hostIP === '' ? ANY : port.hostIP,
              port: port.hostPort,
            },
          ],
    ),
  );
}

export function conflicts(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === ANY || b.ip === ANY);
}
