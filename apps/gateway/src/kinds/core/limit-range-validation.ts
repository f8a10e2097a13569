import { type LimitRange, type LimitRangeItem } from '#api';
import {
  compareQuantities,
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isQualifiedName,
  parseQuantity,
  quantityOf,
} from '#machinery';
import { each, invalids } from '../validation/checks';
import { containerResourceName, mayOvercommit, resourceName, resourceQuantity } from '../validation/resources';
import { type Validation } from '../validation/validation';

const limits = FieldPath.of('spec', 'limits');
const kinds = ['Pod', 'Container', 'PersistentVolumeClaim'];

export const limitRangeValidation: Validation<LimitRange> = {
  validateCreate: validateLimitRange,
  validateUpdate: validateLimitRange,
};

function validateLimitRange({ spec }: DeepReadonly<LimitRange>): FieldError[] {
  const seen = new Set<string>();
  return each(spec?.limits, limits, (item, path) => {
    const { type } = item;
    const errors = validateKind(type, path.child('type'));
    if (seen.has(type)) errors.push(field.duplicate(path.child('type'), type));
    seen.add(type);
    return [...errors, ...validateItem(item, path)];
  });
}

function validateKind(type: string, path: FieldPath): FieldError[] {
  const errors = invalids(isQualifiedName(type), path, type);
  if (errors.length > 0 || type.includes('/') || kinds.includes(type)) return errors;
  return [field.invalid(path, type, 'must be a standard limit type or fully qualified')];
}

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
type ListName = (typeof lists)[number];

function validateItem(item: DeepReadonly<LimitRangeItem>, path: FieldPath): FieldError[] {
  const { type } = item;
  const errors: FieldError[] = [];
  const forbidden: readonly ListName[] = type === 'Pod' ? ['default', 'defaultRequest'] : [];
  for (const list of lists) {
    const values = Object.entries(item[list] ?? {});
    if (values.length > 0 && forbidden.includes(list)) {
      errors.push(field.forbidden(path.child(list), "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const [name, value] of values) {
      const place = path.child(list).key(name);
      errors.push(...(type === 'Container' ? containerResourceName : resourceName)(name, place));
      errors.push(...resourceQuantity(name, value, place));
    }
  }
  if (type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    const text = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(field.required(path.child('limits'), text));
  }
  const usable = (list: ListName): Readonly<Record<string, string>> =>
    forbidden.includes(list) ? {} : (item[list] ?? {});
  const names = new Set(lists.flatMap((list) => Object.keys(usable(list))));
  for (const name of names) errors.push(...validateOrder(name, usable, path));
  return errors;
}

/** What is said of the first of two lists when it is greater than the second; whose value is shown is upstream's. */
const orders: readonly (readonly [ListName, ListName, string, ListName, 'first' | 'second'])[] = [
  ['min', 'max', 'min value %1 is greater than max value %2', 'min', 'first'],
  ['min', 'defaultRequest', 'min value %1 is greater than default request value %2', 'defaultRequest', 'second'],
  ['defaultRequest', 'max', 'default request value %1 is greater than max value %2', 'defaultRequest', 'first'],
  [
    'defaultRequest',
    'default',
    'default request value %1 is greater than default limit value %2',
    'defaultRequest',
    'first',
  ],
  ['min', 'default', 'min value %1 is greater than default value %2', 'default', 'first'],
  ['default', 'max', 'default value %1 is greater than max value %2', 'default', 'second'],
];

function validateOrder(
  name: string,
  list: (list: ListName) => Readonly<Record<string, string>>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [first, second, text, place, shown] of orders) {
    const low = list(first)[name];
    const high = list(second)[name];
    if (low === undefined || high === undefined) continue;
    if (compareQuantities(parseQuantity(low), parseQuantity(high)) <= 0) continue;
    const value = shown === 'first' ? low : high;
    errors.push(field.invalid(path.child(place).key(name), value, text.replace('%1', low).replace('%2', high)));
  }
  const ratio = list('maxLimitRequestRatio')[name];
  if (ratio !== undefined) errors.push(...validateRatio(name, ratio, list, path));
  const both = [list('default')[name], list('defaultRequest')[name]];
  if (!mayOvercommit(name) && (both[0] ?? both[1]) !== undefined && both[0] !== both[1]) {
    const text = `default value must be equal to defaultRequest value in ${name}`;
    errors.push(field.invalid(path.child('defaultRequest').key(name), both[1], text));
  }
  return errors;
}

function validateRatio(
  name: string,
  ratio: string,
  list: (list: ListName) => Readonly<Record<string, string>>,
  path: FieldPath,
): FieldError[] {
  const place = path.child('maxLimitRequestRatio').key(name);
  const quantity = parseQuantity(ratio);
  if (compareQuantities(quantity, quantityOf(1)) < 0) {
    return [field.invalid(place, ratio, `ratio ${ratio} is less than 1`)];
  }
  const min = list('min')[name];
  const max = list('max')[name];
  if (min === undefined || max === undefined) return [];
  const bound = Number(parseQuantity(max).nanos) / Number(parseQuantity(min).nanos);
  return Number(quantity.nanos) / 1e9 > bound
    ? [field.invalid(place, ratio, `ratio ${ratio} is greater than max/min = ${bound.toFixed(6)}`)]
    : [];
}
