import { type Pod, type Service, type ServicePort } from '#api';
import { type DeepReadonly } from '#machinery';
import { isIpv4 } from '#network';

/** The pod's IPv4 address, if it has one. */
export function podAddress({ status }: DeepReadonly<Pod>): string | undefined {
  const all = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP ?? ''];
  return all.find((ip) => isIpv4(ip ?? ''));
}

export function isPodReady({ status }: DeepReadonly<Pod>): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

/** Whether a selected pod is an endpoint at all: it has an address and has not ended. */
export function isEndpoint(pod: DeepReadonly<Pod>, options: { readonly includeTerminating: boolean }): boolean {
  const { phase } = pod.status ?? {};
  if (phase === 'Failed' || phase === 'Succeeded' || podAddress(pod) === undefined) return false;
  return options.includeTerminating || pod.metadata?.deletionTimestamp === undefined;
}

/** A pod has a name of its own under the service that its `subdomain` says. */
export function endpointHostname(pod: DeepReadonly<Pod>, service: DeepReadonly<Service>): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  if (hostname === undefined || hostname === '' || subdomain !== service.metadata?.name) return undefined;
  return pod.metadata?.namespace === service.metadata?.namespace ? hostname : undefined;
}

/** The number that the service's target port has in this pod; a name is looked up in its containers and sidecars. */
export function targetPort(pod: DeepReadonly<Pod>, port: DeepReadonly<ServicePort>): number | undefined {
  const { targetPort: target = port.port, protocol = 'TCP' } = port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = container.ports?.find((one) => one.name === target && (one.protocol ?? 'TCP') === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

export function isHeadless({ spec }: DeepReadonly<Service>): boolean {
  return spec?.clusterIP === 'None' || (spec?.clusterIP ?? '') === '';
}

/** Whether this app computes the endpoints of the service. */
export function hasSelector({ spec }: DeepReadonly<Service>): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}
