import { type EndpointAddress, type EndpointSubset, type Pod, type Service } from '#api';
import { isPodReady } from '#controller';
import { type DeepReadonly } from '#machinery';
import { ipFamily } from '#network';
import { endpointHostname, hasEndpoint, isHeadless, podIps, targetPort } from '../service-pods';
import { type AddressOnPort, repackSubsets } from './repack-subsets';

/** The subsets of a Service's pods: addresses that have the same ports are together, each set of ports once. */
export function subsetsOf(service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): EndpointSubset[] {
  return repackSubsets(pods.flatMap((pod) => entriesOf(service, pod)));
}

function entriesOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): AddressOnPort[] {
  const publishesAll = service.spec?.publishNotReadyAddresses === true;
  // Endpoints cannot say that a pod is terminating: such a pod is left out.
  if (!hasEndpoint(pod) || (pod.metadata?.deletionTimestamp !== undefined && !publishesAll)) return [];
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4';
  const ip = podIps(pod).find((candidate) => ipFamily(candidate) === family);
  if (ip === undefined) return [];
  const { namespace, name, uid } = pod.metadata ?? {};
  const hostname = endpointHostname(pod, service);
  const address: EndpointAddress = {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
  const isReady = publishesAll || isPodReady(pod);
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0) return isHeadless(service) ? [{ address, isReady }] : [];
  return ports.flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    if (port === undefined) return [];
    const { name: portName, protocol = 'TCP', appProtocol } = servicePort;
    return [
      {
        address,
        isReady,
        port: {
          ...(portName === undefined || portName === '' ? {} : { name: portName }),
          port,
          protocol,
          ...(appProtocol === undefined ? {} : { appProtocol }),
        },
      },
    ];
  });
}
