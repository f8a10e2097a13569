import { field, type FieldError } from './field-errors';
import { type FieldPath } from './field-path';
import { type LabelSelector, type LabelSelectorRequirement } from './label-selector';
import { isQualifiedName, isValidLabelValue } from './names';
import { type DeepReadonly } from './objects';

/** Labels of an object or of a selector: every complaint stands at the map itself. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: FieldPath): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...validateLabelName(key, path),
    ...isValidLabelValue(value).map((text) => field.invalid(path, value, text)),
  ]);
}

export function validateLabelName(name: string, path: FieldPath): FieldError[] {
  return isQualifiedName(name, 'a valid label key').map((text) => field.invalid(path, name, text));
}

/** A `LabelSelector` as an object carries it. */
export function validateLabelSelector(
  selector: DeepReadonly<LabelSelector> | undefined,
  path: FieldPath,
): FieldError[] {
  if (selector === undefined) return [];
  return [
    ...validateLabels(selector.matchLabels, path.child('matchLabels')),
    ...(selector.matchExpressions ?? []).flatMap((requirement, index) =>
      validateRequirement(requirement, path.child('matchExpressions').index(index)),
    ),
  ];
}

function validateRequirement(requirement: DeepReadonly<LabelSelectorRequirement>, path: FieldPath): FieldError[] {
  const { key = '', operator = '', values = [] } = requirement;
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      errors.push(field.required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(
        field.forbidden(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
    }
  } else {
    errors.push(field.invalid(path.child('operator'), operator, 'not a valid selector operator'));
  }
  errors.push(...validateLabelName(key, path.child('key')));
  values.forEach((value, index) => {
    errors.push(
      ...isValidLabelValue(value).map((text) => field.invalid(path.child('values').index(index), value, text)),
    );
  });
  return errors;
}
