import { type V2MetricIdentifier, type V2MetricSpec, type V2MetricTarget } from '#api';
import {
  compareQuantities,
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isPathSegmentName,
  parseQuantity,
  zeroQuantity,
} from '#machinery';
import { dnsLabel, invalids, isUnset } from '../validation/checks';
import { containerResourceName } from '../validation/resources';
import { validateReference, validateVersion } from './reference-validation';

type Target = DeepReadonly<V2MetricTarget>;
type Metric = DeepReadonly<V2MetricSpec>;

/** Types, the field of each, and the rules for it, in the order in which upstream looks. */
const sources: readonly (readonly [
  type: string,
  name: Source,
  check: (metric: Metric, path: FieldPath) => FieldError[],
])[] = [
  ['Object', 'object', ({ object }, path) => (object === undefined ? [] : validateObject(object, path))],
  ['External', 'external', ({ external }, path) => (external === undefined ? [] : validateExternal(external, path))],
  ['Pods', 'pods', ({ pods }, path) => (pods === undefined ? [] : validatePods(pods, path))],
  ['Resource', 'resource', ({ resource }, path) => (resource === undefined ? [] : validateResource(resource, path))],
  [
    'ContainerResource',
    'containerResource',
    ({ containerResource }, path) =>
      containerResource === undefined ? [] : validateContainer(containerResource, path),
  ],
];
type Source = 'object' | 'external' | 'pods' | 'resource' | 'containerResource';

const types = sources.map(([type]) => type).sort();

export function validateMetric(metric: Metric, path: FieldPath): FieldError[] {
  const { type } = metric;
  const place = path.child('type');
  const errors: FieldError[] = [];
  if (isUnset(type)) errors.push(field.required(place, 'must specify a metric source type'));
  if (!types.includes(type)) errors.push(field.notSupported(place, type, types));
  const present = sources.filter(([, name]) => metric[name] !== undefined);
  const [first] = present;
  if (first !== undefined) errors.push(...first[2](metric, path.child(first[1])));
  const expected = sources.find(([candidate]) => candidate === type)?.[1];
  // Said a second time, as upstream does.
  if (expected === undefined) errors.push(field.notSupported(place, type, types));
  else if (metric[expected] === undefined) {
    errors.push(field.required(path.child(expected), 'must populate information for the given metric source'));
  }
  if (present.length === 1) return errors;
  const surplus = present.filter(([, name]) => name !== expected);
  const text = 'must populate the given metric source only';
  return [...errors, ...surplus.map(([, name]) => field.forbidden(path.child(name), text))];
}

function validateObject(source: NonNullable<Metric['object']>, path: FieldPath): FieldError[] {
  const { describedObject, metric, target } = source;
  const described = path.child('describedObject');
  return [
    ...validateReference(describedObject, described),
    ...validateVersion(describedObject.apiVersion ?? '', described.child('apiVersion')),
    ...validateIdentifier(metric, path.child('metric')),
    ...validateTarget(target, path.child('target')),
    ...requireAverage(target, path, 'must set either a target value or averageValue'),
  ];
}

function validateExternal({ metric, target }: NonNullable<Metric['external']>, path: FieldPath): FieldError[] {
  const errors = [
    ...validateIdentifier(metric, path.child('metric')),
    ...validateTarget(target, path.child('target')),
    ...requireAverage(target, path, 'must set either a target value for metric or a per-pod target'),
  ];
  if (target.value !== undefined && target.averageValue !== undefined) {
    const text = 'may not set both a target value for metric and a per-pod target';
    errors.push(field.forbidden(path.child('target', 'value'), text));
  }
  return errors;
}

function requireAverage({ value, averageValue }: Target, path: FieldPath, text: string): FieldError[] {
  return value === undefined && averageValue === undefined
    ? [field.required(path.child('target', 'averageValue'), text)]
    : [];
}

function validatePods({ metric, target }: NonNullable<Metric['pods']>, path: FieldPath): FieldError[] {
  const errors = [...validateIdentifier(metric, path.child('metric')), ...validateTarget(target, path.child('target'))];
  if (target.averageValue !== undefined) return errors;
  const text = 'must specify a positive target averageValue';
  return [...errors, field.required(path.child('target', 'averageValue'), text)];
}

function validateResource({ name, target }: NonNullable<Metric['resource']>, path: FieldPath): FieldError[] {
  return [
    ...(isUnset(name) ? [field.required(path.child('name'), 'must specify a resource name')] : []),
    ...validateUtilization(target, path.child('target')),
  ];
}

function validateContainer(source: NonNullable<Metric['containerResource']>, path: FieldPath): FieldError[] {
  const { name, container, target } = source;
  return [
    ...(isUnset(name)
      ? [field.required(path.child('name'), 'must specify a resource name')]
      : containerResourceName(name, path.child('name'))),
    ...(isUnset(container)
      ? [field.required(path.child('container'), 'must specify a container')]
      : dnsLabel(container, path.child('container'))),
    ...validateUtilization(target, path.child('target')),
  ];
}

function validateUtilization(target: Target, path: FieldPath): FieldError[] {
  const { averageUtilization, averageValue } = target;
  const errors = validateTarget(target, path);
  if (averageUtilization === undefined && averageValue === undefined) {
    const text = 'must set either a target raw value or a target utilization';
    errors.push(field.required(path.child('averageUtilization'), text));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const text = 'may not set both a target raw value and a target utilization';
    errors.push(field.forbidden(path.child('averageValue'), text));
  }
  return errors;
}

function validateTarget({ type, value, averageValue, averageUtilization }: Target, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const place = path.child('type');
  if (isUnset(type)) errors.push(field.required(place, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(field.invalid(place, type, 'must be either Utilization, Value, or AverageValue'));
  }
  errors.push(...positiveQuantity(value, path.child('value')));
  errors.push(...positiveQuantity(averageValue, path.child('averageValue')));
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(field.invalid(path.child('averageUtilization'), averageUtilization, 'must be greater than 0'));
  }
  return errors;
}

function positiveQuantity(value: string | undefined, path: FieldPath): FieldError[] {
  if (value === undefined || compareQuantities(parseQuantity(value), zeroQuantity) > 0) return [];
  return [field.invalid(path, value, 'must be positive')];
}

function validateIdentifier({ name }: DeepReadonly<V2MetricIdentifier>, path: FieldPath): FieldError[] {
  const place = path.child('name');
  if (isUnset(name)) return [field.required(place, 'must specify a metric name')];
  return invalids(isPathSegmentName(name), place, name);
}
