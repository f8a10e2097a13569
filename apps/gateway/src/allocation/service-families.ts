import { type ServiceSpec } from '#api';
import { field, type FieldError } from '#machinery';

/**
 * The IP families of a service in a cluster of IPv4 alone. A service without addresses of its own and without a selector says nothing of
 * this cluster, so it may have both (KEP-563).
 */
export function setFamilies(spec: ServiceSpec): FieldError[] {
  const isHeadless = (spec.clusterIPs?.[0] ?? spec.clusterIP) === 'None';
  const isFree = isHeadless && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= isFree ? 'RequireDualStack' : 'SingleStack';
  if (isFree) {
    const [first = 'IPv4'] = (spec.ipFamilies ??= ['IPv4']);
    if (spec.ipFamilies.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') {
      spec.ipFamilies = [first, first === 'IPv4' ? 'IPv6' : 'IPv4'];
    }
    return [];
  }
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    const text = 'this cluster is not configured for dual-stack services';
    errors.push(field.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, text));
  }
  (spec.ipFamilies ?? []).forEach((family, index) => {
    if (family === 'IPv4') return;
    errors.push(field.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  });
  spec.ipFamilies ??= ['IPv4'];
  return errors;
}
