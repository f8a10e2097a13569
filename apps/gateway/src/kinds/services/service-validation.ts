import { type Service, type ServicePort, type ServiceSpec } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isQualifiedName,
  isValidPortNumber,
  validateLabels,
} from '#machinery';
import { address, cidr, isAddress, nonSpecialAddress, portNumberOrName } from '../validation/addresses';
import {
  dnsLabel,
  dnsSubdomain,
  each,
  invalids,
  isUnset,
  oneOf,
  optionalOneOf,
  requiredOneOf,
} from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';
import { validateTraffic } from './service-traffic-validation';
import { validateServiceUpdate } from './service-update-validation';

const spec = FieldPath.of('spec');
const KUBELET_PORT = 10_250;
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const families = ['IPv4', 'IPv6'];

export const serviceValidation: Validation<Service> = {
  validateCreate: validateService,
  validateUpdate: (service, old) => [...validateServiceUpdate(service, old), ...validateService(service)],
  warningsOnCreate: serviceWarnings,
  warningsOnUpdate: serviceWarnings,
};

function isHeadless({ clusterIP, clusterIPs }: DeepReadonly<ServiceSpec>): boolean {
  return (clusterIPs?.[0] ?? clusterIP) === 'None';
}

/** `ValidateService`, but for what only the allocator knows. */
function validateService({ spec: own = {} }: DeepReadonly<Service>): FieldError[] {
  const ports = own.ports ?? [];
  const errors: FieldError[] = [];
  if (ports.length === 0 && !isHeadless(own) && own.type !== 'ExternalName') {
    errors.push(field.required(spec.child('ports')));
  }
  errors.push(...validateType(own));
  const names = new Set<string>();
  errors.push(
    ...each(ports, spec.child('ports'), (port, place) => validatePort(port, ports.length > 1, names, place)),
    ...validateLabels(own.selector, spec.child('selector')),
    ...validateAffinity(own),
    ...validateAddresses(own),
    ...each(own.externalIPs, spec.child('externalIPs'), (ip, place) => [
      ...address(ip, place),
      ...nonSpecialAddress(ip, place),
    ]),
    ...requiredOneOf(own.type, types, spec.child('type')),
  );
  return [...errors, ...validatePortsTogether(own), ...validateLoadBalancer(own), ...validateTraffic(own)];
}

/** What the type allows or asks for. */
function validateType(own: DeepReadonly<ServiceSpec>): FieldError[] {
  const errors: FieldError[] = [];
  const { type, clusterIPs = [] } = own;
  if (type === 'LoadBalancer') {
    errors.push(
      ...each(own.ports, spec.child('ports'), ({ port }, place) =>
        port === KUBELET_PORT
          ? [field.invalid(place, port, `may not expose port ${port} externally since it is used by kubelet`)]
          : [],
      ),
    );
  }
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(own)) {
    const text = `may not be set to 'None' for ${type} services`;
    errors.push(field.invalid(spec.child('clusterIPs').index(0), clusterIPs[0] ?? 'None', text));
  }
  if (type !== 'ExternalName') return errors;
  for (const name of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
    if (!isUnset(own[name])) errors.push(field.forbidden(spec.child(name), 'may not be set for ExternalName services'));
  }
  const name = (own.externalName ?? '').replace(/\.$/, '');
  const place = spec.child('externalName');
  return [...errors, ...(name === '' ? [field.required(place)] : dnsSubdomain(name, place))];
}

function validatePort(
  port: DeepReadonly<ServicePort>,
  needsName: boolean,
  names: Set<string>,
  path: FieldPath,
): FieldError[] {
  const { name = '', appProtocol } = port;
  const errors: FieldError[] = [];
  if (name === '') {
    if (needsName) errors.push(field.required(path.child('name')));
  } else {
    errors.push(...dnsLabel(name, path.child('name')));
    if (names.has(name)) errors.push(field.duplicate(path.child('name'), name));
    names.add(name);
  }
  errors.push(
    ...invalids(isValidPortNumber(port.port), path.child('port'), port.port),
    ...requiredOneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], path.child('protocol')),
    ...portNumberOrName(port.targetPort, path.child('targetPort')),
  );
  if (appProtocol !== undefined) {
    errors.push(...invalids(isQualifiedName(appProtocol), path.child('appProtocol'), appProtocol));
  }
  return errors;
}

/** Two ports are the same if number and protocol are. */
function validatePortsTogether({ type, ports }: DeepReadonly<ServiceSpec>): FieldError[] {
  const path = spec.child('ports');
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  return [
    ...each(type === 'ClusterIP' ? ports : [], path, ({ nodePort = 0 }, place) =>
      nodePort === 0 ? [] : [field.forbidden(place.child('nodePort'), "may not be used when `type` is 'ClusterIP'")],
    ),
    ...each(ports, path, ({ nodePort = 0, protocol }, place) => {
      const isTaken = nodePort !== 0 && nodePorts.has(`${protocol}/${nodePort}`);
      nodePorts.add(`${protocol}/${nodePort}`);
      return isTaken ? [field.duplicate(place.child('nodePort'), nodePort)] : [];
    }),
    ...each(ports, path, ({ port, protocol }, place) => {
      const isTaken = numbers.has(`${protocol}/${port}`);
      numbers.add(`${protocol}/${port}`);
      return isTaken ? [field.duplicate(place, goStruct({ port, protocol }, 'ServicePort'))] : [];
    }),
  ];
}

const MAXIMUM_AFFINITY_SECONDS = 86_400;

function validateAffinity(own: DeepReadonly<ServiceSpec>): FieldError[] {
  const { sessionAffinity, sessionAffinityConfig: config } = own;
  const place = spec.child('sessionAffinityConfig');
  const errors = requiredOneOf(sessionAffinity, ['ClientIP', 'None'], spec.child('sessionAffinity'));
  if (sessionAffinity === 'None' && config !== undefined) {
    errors.push(field.forbidden(place, 'must not be set when session affinity is None'));
  }
  if (sessionAffinity !== 'ClientIP') return errors;
  if (config === undefined) return [...errors, field.required(place, 'when session affinity type is ClientIP')];
  const seconds = config.clientIP?.timeoutSeconds;
  if (seconds === undefined || (seconds > 0 && seconds <= MAXIMUM_AFFINITY_SECONDS)) return errors;
  const text = `must be greater than 0 and less than ${MAXIMUM_AFFINITY_SECONDS}`;
  return [...errors, field.invalid(place.child('clientIP', 'timeoutSeconds'), seconds, text)];
}

function validateAddresses(own: DeepReadonly<ServiceSpec>): FieldError[] {
  if (own.type === 'ExternalName') return [];
  const { clusterIPs = [], ipFamilies = [] } = own;
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  const errors = optionalOneOf(own.ipFamilyPolicy, policies, spec.child('ipFamilyPolicy'));
  errors.push(
    ...each(ipFamilies, spec.child('ipFamilies'), (family, place, index) => [
      ...oneOf(family, families, place),
      ...(ipFamilies.indexOf(family) < index ? [field.duplicate(place, family)] : []),
    ]),
  );
  const path = spec.child('clusterIPs');
  if (clusterIPs.includes('None')) {
    return clusterIPs.length > 1
      ? [...errors, field.invalid(path, clusterIPs, "'None' must be the first and only value")]
      : errors;
  }
  if (clusterIPs.length > 2) errors.push(field.invalid(path, clusterIPs, 'may only hold up to 2 values'));
  return [...errors, ...each(clusterIPs, path, (ip, place) => (ip === '' || isAddress(ip) ? [] : address(ip, place)))];
}

function validateLoadBalancer(own: DeepReadonly<ServiceSpec>): FieldError[] {
  const { loadBalancerSourceRanges: ranges = [], allocateLoadBalancerNodePorts, loadBalancerClass } = own;
  const errors: FieldError[] = [];
  const isLoadBalancer = own.type === 'LoadBalancer';
  const only = "may only be used when `type` is 'LoadBalancer'";
  if (ranges.length > 0) {
    // Upstream writes this field with a capital.
    const place = spec.child('LoadBalancerSourceRanges');
    if (!isLoadBalancer) errors.push(field.forbidden(place, only));
    errors.push(...each(ranges, place, (range, item) => cidr(range.trim(), item)));
  }
  if (!isLoadBalancer && allocateLoadBalancerNodePorts !== undefined) {
    errors.push(field.forbidden(spec.child('allocateLoadBalancerNodePorts'), only));
  }
  if (loadBalancerClass === undefined) return errors;
  const place = spec.child('loadBalancerClass');
  if (!isLoadBalancer) return [...errors, field.forbidden(place, only)];
  return [...errors, ...invalids(isQualifiedName(loadBalancerClass), place, loadBalancerClass)];
}

function serviceWarnings({ spec: own = {} }: DeepReadonly<Service>): string[] {
  const warnings: string[] = [];
  const isExternalName = own.type === 'ExternalName';
  if (!isUnset(own.externalIPs)) {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
    if (isExternalName) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
    else if (isHeadless(own)) warnings.push('spec.externalIPs is ignored for headless services');
  }
  if (isHeadless(own) && !isUnset(own.loadBalancerIP)) {
    warnings.push('spec.loadBalancerIP is ignored for headless services');
  }
  if (isHeadless(own) && own.sessionAffinity === 'ClientIP') {
    warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  return warnings;
}
