import { type PodSpec } from '#api';
import {
  addQuantities,
  compareQuantities,
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  formatQuantity,
  parseQuantity,
  type Quantity,
  zeroQuantity,
} from '#machinery';
import { isHugePages, resourceRequirements } from '../validation/resources';

const supported = ['cpu', 'hugepages-', 'memory'];

/** Resources of the pod as a whole (KEP-2837): its containers together must fit into them. */
export function validatePodResources(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  const errors = resourceRequirements(resources, path);
  for (const kind of ['limits', 'requests'] as const) {
    for (const name of Object.keys(resources[kind] ?? {})) {
      if (name === 'cpu' || name === 'memory' || isHugePages(name)) continue;
      errors.push(field.notSupported(path.child(kind).key(name), name, supported));
    }
  }
  if ((resources.claims ?? []).length > 0) {
    errors.push(field.forbidden(path.child('claims'), 'claims may not be set for Resources at pod-level'));
  }
  for (const [name, value] of Object.entries(resources.requests ?? {})) {
    const total = sum(spec, name);
    if (compareQuantities(total, parseQuantity(value)) > 0) {
      const text = `must be greater than or equal to aggregate container requests of ${formatQuantity(total)}`;
      errors.push(field.invalid(path.child('requests').key(name), value, text));
    }
  }
  for (const [name, value] of Object.entries(resources.limits ?? {})) {
    const limit = parseQuantity(value);
    for (const { resources: own } of spec.containers ?? []) {
      const ownLimit = own?.limits?.[name];
      if (ownLimit !== undefined && compareQuantities(parseQuantity(ownLimit), limit) > 0) {
        const text = `must be less than or equal to pod limits of ${value}`;
        errors.push(field.invalid(path.child('limits').key(name), ownLimit, text));
      }
    }
  }
  return errors;
}

function sum(spec: DeepReadonly<PodSpec>, name: string): Quantity {
  return (spec.containers ?? [])
    .map(({ resources }) => resources?.requests?.[name])
    .reduce((total, value) => (value === undefined ? total : addQuantities(total, parseQuantity(value))), zeroQuantity);
}
