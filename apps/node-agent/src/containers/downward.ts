import { goQuote, parseQuantity } from '#machinery';
import { type ContainerSpec, type PodObject } from '../pods/pod-containers';

/** Addresses that the API may not know yet. */
export interface PodAddresses {
  readonly podIp?: string;
  readonly hostIp: string;
}

/** The value of a `fieldRef`, for environment variables and files. Throws on a path that is not supported. */
export function fieldValue(pod: PodObject, path: string, addresses: PodAddresses): string {
  const { metadata = {}, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return addresses.hostIp;
    case 'status.podIP':
    case 'status.podIPs':
      return addresses.podIp ?? '';
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${goQuote(value)}`)
    .join('\n');
}

export type Allocatable = Readonly<Record<string, string>>;

/** The value of a `resourceFieldRef`: rounded up to the divisor; a limit that is not set is what the node can give. */
export function resourceValue(
  container: ContainerSpec,
  resource: string,
  divisor: string | undefined,
  allocatable: Allocatable,
): string {
  const [kind, ...rest] = resource.split('.');
  const name = rest.join('.');
  if ((kind !== 'limits' && kind !== 'requests') || name === '') {
    throw new Error(`Unsupported container resource : ${resource}`);
  }
  const own = container.resources?.[kind]?.[name];
  const quantity = own ?? (kind === 'limits' ? allocatable[name] : undefined) ?? '0';
  const unit =
    divisor === undefined || parseQuantity(divisor).nanos === 0n ? parseQuantity('1') : parseQuantity(divisor);
  const { nanos } = parseQuantity(quantity);
  return String((nanos + unit.nanos - 1n) / unit.nanos);
}
