import { type NetworkPolicy, type NetworkPolicyPeer, type NetworkPolicyPort } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isValidPortName,
  isValidPortNumber,
  validateLabelSelector,
} from '#machinery';
import { cidr, isCidr } from '../validation/addresses';
import { each, invalids, optionalOneOf } from '../validation/checks';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');

export const networkPolicyValidation: Validation<NetworkPolicy> = {
  validateCreate: validateNetworkPolicy,
  validateUpdate: validateNetworkPolicy,
};

function validateNetworkPolicy({ spec: own }: DeepReadonly<NetworkPolicy>): FieldError[] {
  const errors = [
    ...validateLabelSelector(own?.podSelector, spec.child('podSelector')),
    ...each(own?.ingress, spec.child('ingress'), ({ ports, from }, place) => [
      ...each(ports, place.child('ports'), validatePort),
      ...each(from, place.child('from'), validatePeer),
    ]),
    ...each(own?.egress, spec.child('egress'), ({ ports, to }, place) => [
      ...each(ports, place.child('ports'), validatePort),
      ...each(to, place.child('to'), validatePeer),
    ]),
  ];
  const types = own?.policyTypes ?? [];
  if (types.length > 2) {
    return [...errors, field.invalid(spec.child('policyTypes'), types, 'may not specify more than two policyTypes')];
  }
  return [
    ...errors,
    ...types
      .filter((type) => type !== 'Ingress' && type !== 'Egress')
      .map((type) => field.notSupported(spec.child('policyTypes'), type, ['Egress', 'Ingress'])),
  ];
}

function validatePort({ protocol, port, endPort }: DeepReadonly<NetworkPolicyPort>, path: FieldPath): FieldError[] {
  const errors = optionalOneOf(protocol, ['SCTP', 'TCP', 'UDP'], path.child('protocol'));
  if (typeof port === 'number') {
    errors.push(...invalids(isValidPortNumber(port), path.child('port'), port));
    if (endPort !== undefined && endPort < port) {
      errors.push(field.invalid(path.child('endPort'), endPort, 'must be greater than or equal to `port`'));
    }
  } else if (port !== undefined) {
    if (endPort !== undefined) {
      errors.push(field.invalid(path.child('endPort'), endPort, 'may not be specified when `port` is non-numeric'));
    }
    errors.push(...invalids(isValidPortName(port), path.child('port'), port));
  } else if (endPort !== undefined) {
    errors.push(field.invalid(path.child('endPort'), endPort, 'may not be specified when `port` is not specified'));
  }
  if (endPort !== undefined) errors.push(...invalids(isValidPortNumber(endPort), path.child('endPort'), endPort));
  return errors;
}

function validatePeer(peer: DeepReadonly<NetworkPolicyPeer>, path: FieldPath): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const errors = [
    ...validateLabelSelector(podSelector, path.child('podSelector')),
    ...validateLabelSelector(namespaceSelector, path.child('namespaceSelector')),
  ];
  if (ipBlock !== undefined) {
    const place = path.child('ipBlock');
    if (ipBlock.cidr === '') errors.push(field.required(place.child('cidr')));
    else errors.push(...cidr(ipBlock.cidr, place.child('cidr')));
    errors.push(
      ...each(ipBlock.except, place.child('except'), (range, item) => {
        const problems = cidr(range, item);
        const bits = (text: string): number => Number(text.split('/')[1]);
        if (problems.length === 0 && isCidr(ipBlock.cidr) && bits(range) <= bits(ipBlock.cidr)) {
          problems.push(field.invalid(item, range, 'must be a strict subset of `cidr`'));
        }
        return problems;
      }),
    );
    if (podSelector !== undefined || namespaceSelector !== undefined) {
      errors.push(field.forbidden(path, 'may not specify both ipBlock and another peer'));
    }
  }
  if (podSelector === undefined && namespaceSelector === undefined && ipBlock === undefined) {
    errors.push(field.required(path, 'must specify a peer'));
  }
  return errors;
}
