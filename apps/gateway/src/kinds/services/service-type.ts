import { type ServiceSpec } from '#api';
import { type DeepReadonly, jsonEquals } from '#machinery';

type Spec = DeepReadonly<ServiceSpec>;

/** Whether an external traffic policy means anything. */
export function isReachableFromOutside({ type, externalIPs = [] }: Spec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && externalIPs.length > 0);
}

function hasNodePorts({ type }: Spec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer';
}

function hasHealthPort({ type, externalTrafficPolicy }: Spec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

/** A client that leaves out the address of a service means to keep it. */
export function keepAddress(spec: ServiceSpec, old: Spec): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  if (spec.clusterIP || (spec.clusterIPs ?? []).length > 0) return;
  if (old.clusterIP !== undefined) spec.clusterIP = old.clusterIP;
  if (old.clusterIPs !== undefined) spec.clusterIPs = [...old.clusterIPs];
}

/** What only some types of services have. */
interface TypeField {
  readonly field: keyof ServiceSpec;
  readonly has: (spec: Spec) => boolean;
}

const typeFields: readonly TypeField[] = [
  { field: 'clusterIP', has: ({ type }) => type !== 'ExternalName' },
  { field: 'clusterIPs', has: ({ type }) => type !== 'ExternalName' },
  { field: 'ipFamilies', has: ({ type }) => type !== 'ExternalName' },
  { field: 'ipFamilyPolicy', has: ({ type }) => type !== 'ExternalName' },
  { field: 'internalTrafficPolicy', has: ({ type }) => type !== 'ExternalName' },
  { field: 'externalTrafficPolicy', has: isReachableFromOutside },
  { field: 'healthCheckNodePort', has: hasHealthPort },
  { field: 'allocateLoadBalancerNodePorts', has: ({ type }) => type === 'LoadBalancer' },
  { field: 'loadBalancerClass', has: ({ type }) => type === 'LoadBalancer' },
];

/**
 * A client that changes the type and leaves in place what came with the old one is not held to it: what the new type cannot have
 * is dropped, unless the client changed it too.
 */
export function dropWhatTheTypeLacks(spec: ServiceSpec, old: Spec): void {
  const lost = typeFields.filter(({ field, has }) => has(old) && !has(spec) && jsonEquals(spec[field], old[field]));
  for (const { field } of lost) Reflect.deleteProperty(spec, field);
  if (!hasNodePorts(old) || hasNodePorts(spec)) return;
  // Ports may come and go, as long as no node port is new.
  const before = new Set((old.ports ?? []).map(({ nodePort = 0 }) => nodePort));
  const ports = (spec.ports ?? []).filter(({ nodePort = 0 }) => nodePort !== 0);
  if (ports.every(({ nodePort = 0 }) => before.has(nodePort))) for (const port of ports) delete port.nodePort;
}
