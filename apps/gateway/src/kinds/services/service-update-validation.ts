import { type Service } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';

const spec = FieldPath.of('spec');
const text = 'may not change once set';

/** `ValidateServiceUpdate`: what clients have resolved stays: addresses, their families, and who balances the load. */
export function validateServiceUpdate(
  { spec: own = {} }: DeepReadonly<Service>,
  { spec: before = {} }: DeepReadonly<Service>,
): FieldError[] {
  const errors: FieldError[] = [];
  const keepsAddresses = own.type !== 'ExternalName' && before.type !== 'ExternalName';
  const ip = own.clusterIPs?.[0] ?? own.clusterIP ?? '';
  const oldIp = before.clusterIPs?.[0] ?? before.clusterIP ?? '';
  // Who says nothing keeps the address.
  if (keepsAddresses && oldIp !== '' && ip !== '' && ip !== oldIp) {
    errors.push(field.invalid(spec.child('clusterIPs').index(0), own.clusterIPs ?? [ip], text));
  }
  const family = own.ipFamilies?.[0];
  const oldFamily = before.ipFamilies?.[0];
  if (keepsAddresses && oldFamily !== undefined && family !== undefined && family !== oldFamily) {
    errors.push(field.invalid(spec.child('ipFamilies').index(0), family, text));
  }
  const balances = own.type === 'LoadBalancer' && before.type === 'LoadBalancer';
  if (balances && own.loadBalancerClass !== before.loadBalancerClass) {
    errors.push(field.invalid(spec.child('loadBalancerClass'), own.loadBalancerClass, text));
  }
  return errors;
}
