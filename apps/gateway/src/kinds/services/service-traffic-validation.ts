import { type ServiceSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { isUnset, oneOf, optionalOneOf, requiredOneOf } from '../validation/checks';

const spec = FieldPath.of('spec');
const scopes = ['Cluster', 'Local'];

function isExternal({ type, externalIPs }: DeepReadonly<ServiceSpec>): boolean {
  return type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && !isUnset(externalIPs));
}

/** Where traffic may go once it has reached a node. */
export function validateTraffic(own: DeepReadonly<ServiceSpec>): FieldError[] {
  const { externalTrafficPolicy: external = '', healthCheckNodePort = 0, internalTrafficPolicy: internal } = own;
  const errors: FieldError[] = [];
  if (isExternal(own)) errors.push(...requiredOneOf(external, scopes, spec.child('externalTrafficPolicy')));
  else if (external !== '') {
    const text = 'may only be set for externally-accessible services';
    errors.push(field.invalid(spec.child('externalTrafficPolicy'), external, text));
  }
  if (healthCheckNodePort !== 0 && !(own.type === 'LoadBalancer' && external === 'Local')) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(field.invalid(spec.child('healthCheckNodePort'), healthCheckNodePort, text));
  }
  const place = spec.child('internalTrafficPolicy');
  if (internal === undefined) {
    if (own.type !== 'ExternalName') errors.push(field.required(place));
  } else {
    errors.push(...oneOf(internal, scopes, place));
  }
  return [
    ...errors,
    ...optionalOneOf(
      own.trafficDistribution,
      ['PreferClose', 'PreferSameZone', 'PreferSameNode'],
      spec.child('trafficDistribution'),
    ),
  ];
}
