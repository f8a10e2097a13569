import { type IPAddress, type ServiceCIDR } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { cidr, isCidr, isIpv6 } from '../validation/addresses';
import { each, immutable, required } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');
const cidrs = spec.child('cidrs');

export const serviceCidrValidation: Validation<ServiceCIDR> = {
  validateCreate: validateServiceCidr,
  validateUpdate: (object, old) => immutable(object.spec?.cidrs, old.spec?.cidrs, cidrs),
};

function validateServiceCidr({ spec: own }: DeepReadonly<ServiceCIDR>): FieldError[] {
  const ranges = own?.cidrs ?? [];
  const shown = goStruct(own, 'ServiceCIDRSpec');
  if (ranges.length === 0) return [field.required(cidrs, 'at least one CIDR required')];
  if (ranges.length > 2) return [field.invalid(cidrs, shown, 'may only hold up to 2 values')];
  const families = new Set(ranges.map(isIpv6));
  if (families.size < ranges.length || (ranges.length === 2 && !ranges.every(isCidr))) {
    const text = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    return [field.invalid(cidrs, shown, text)];
  }
  return each(ranges, cidrs, cidr);
}

export const ipAddressValidation: Validation<IPAddress> = {
  validateCreate: validateIpAddress,
  validateUpdate: (object, old) => immutable(object.spec?.parentRef, old.spec?.parentRef, spec.child('parentRef')),
};

function validateIpAddress({ spec: own }: DeepReadonly<IPAddress>): FieldError[] {
  const path = spec.child('parentRef');
  if (own?.parentRef === undefined) return [field.required(path)];
  const { resource, name } = own.parentRef;
  return [...required(resource, path.child('resource')), ...required(name, path.child('name'))];
}
