import { type ControllerRevision } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { immutable, nonNegative } from '../validation/checks';
import { type Validation } from '../validation/validation';

const data = FieldPath.of('data');
const revision = FieldPath.of('revision');

export const controllerRevisionValidation: Validation<ControllerRevision> = {
  validateCreate: validateRevision,
  validateUpdate: (object, old) => [...validateRevision(object), ...immutable(object.data, old.data, data)],
};

/** The data is the owner's; all that is asked is that it is an object. */
function validateRevision(object: DeepReadonly<ControllerRevision>): FieldError[] {
  const value: unknown = object.data;
  const isMissing = value === undefined || value === null;
  return [
    ...nonNegative(object.revision, revision),
    ...(isMissing ? [field.required(data, 'data is mandatory')] : []),
    ...(!isMissing && (typeof value !== 'object' || Array.isArray(value))
      ? [field.required(data, 'data must be a valid JSON object')]
      : []),
  ];
}
