import { type Service, type ServicePort } from '#api';
import { type DeepReadonly } from '#machinery';
import { NONE } from '../common/text';

/** Where a service is reached from outside, as far as that is known. */
export function externalAddresses({ spec, status }: DeepReadonly<Service>): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.length > 0 ? external.join(',') : NONE;
    case 'LoadBalancer': {
      const addresses = [...loadBalancerAddresses(status?.loadBalancer?.ingress), ...external];
      return addresses.length > 0 ? addresses.join(',') : '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

/** Each address or name once, in order. */
export function loadBalancerAddresses(
  ingress: readonly { readonly ip?: string; readonly hostname?: string }[] | undefined,
): string[] {
  return [...new Set((ingress ?? []).map(({ ip, hostname }) => ip || hostname || ''))]
    .filter((address) => address !== '')
    .sort();
}

/** `80:30000/TCP,443/TCP`. */
export function portsText(ports: DeepReadonly<ServicePort[]> | undefined): string {
  if (ports === undefined || ports.length === 0) return NONE;
  return ports
    .map(({ port, nodePort = 0, protocol = '' }) => `${port}${nodePort > 0 ? `:${nodePort}` : ''}/${protocol}`)
    .join(',');
}
