import { type APIService } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, isDns1035Label } from '#machinery';
import { dnsSubdomain, invalids, isUnset } from '../validation/checks';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');

export const apiServiceValidation: Validation<APIService> = {
  validateCreate: validateApiService,
  validateUpdate: validateApiService,
};

function validateApiService({ metadata, spec: own }: DeepReadonly<APIService>): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, service, caBundle } = own ?? {};
  const errors: FieldError[] = [];
  const name = metadata?.name ?? '';
  const wanted = `${version}.${group}`;
  if (name !== wanted) {
    errors.push(field.invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: "${wanted}"`));
  }
  if (group !== '') errors.push(...dnsSubdomain(group, spec.child('group')));
  else if (version !== 'v1') {
    errors.push(field.required(spec.child('group'), 'only v1 may have an empty group and it better be legacy kube'));
  }
  errors.push(...invalids(isDns1035Label(version), spec.child('version'), version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20_000) {
    const text = 'must be positive and less than 20000';
    errors.push(field.invalid(spec.child('groupPriorityMinimum'), groupPriorityMinimum, text));
  }
  if (versionPriority <= 0 || versionPriority > 1000) {
    const text = 'must be positive and less than 1000';
    errors.push(field.invalid(spec.child('versionPriority'), versionPriority, text));
  }
  if (service === undefined) {
    if (!isUnset(caBundle)) {
      errors.push(field.invalid(spec.child('caBundle'), caBundle, 'local APIServices may not have a caBundle'));
    }
    return errors;
  }
  for (const part of ['name', 'namespace'] as const) {
    if (isUnset(service[part])) errors.push(field.required(spec.child('service', part)));
  }
  return errors;
}
