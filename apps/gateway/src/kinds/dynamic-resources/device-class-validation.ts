import { type DeviceClass } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { isExtended } from '../validation/resources';
import { type Validation } from '../validation/validation';
import { limited, MAXIMUM_LIST, validateConfiguration, validateSelectors } from './device-checks';

const spec = FieldPath.of('spec');

export const deviceClassValidation: Validation<DeviceClass> = {
  validateCreate: validateClass,
  validateUpdate: validateClass,
};

function validateClass({ spec: own }: DeepReadonly<DeviceClass>): FieldError[] {
  const name = own.extendedResourceName;
  return [
    ...validateSelectors(own.selectors, spec.child('selectors')),
    ...limited(own.config, MAXIMUM_LIST, spec.child('config'), validateConfiguration),
    ...(name === undefined || isExtended(name)
      ? []
      : [field.invalid(spec.child('extendedResourceName'), name, 'must be a valid extended resource name')]),
  ];
}
