import { type Namespace, type Node } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isQualifiedName,
  isValidLabelValue,
  validateLabelName,
} from '#machinery';
import { isCidr, isIpv6 } from '../validation/addresses';
import { each, invalids, isUnset, oneOf } from '../validation/checks';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');
const standardFinalizers = ['kubernetes', 'foregroundDeletion', 'orphan'];

export const namespaceValidation: Validation<Namespace> = {
  validateCreate: validateNamespace,
  validateUpdate: validateNamespace,
};

/** Finalizers are named by their owner's domain. */
export function validateNamespace({ spec: own }: DeepReadonly<Namespace>): FieldError[] {
  const path = spec.child('finalizers');
  return (own?.finalizers ?? []).flatMap((name) => {
    const errors = invalids(isQualifiedName(name), path, name);
    if (errors.length > 0 || name.includes('/') || standardFinalizers.includes(name)) return errors;
    return [field.invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified')];
  });
}

export const nodeValidation: Validation<Node> = {
  validateCreate: validateNode,
  validateUpdate: (node, old) => [...validateNode(node), ...validateNodeKept(node, old)],
  warningsOnCreate: nodeWarnings,
  warningsOnUpdate: nodeWarnings,
};

function nodeWarnings({ spec: own }: DeepReadonly<Node>): string[] {
  return [
    ...(own?.configSource === undefined ? [] : ['spec.configSource: the feature is removed']),
    ...((own?.externalID ?? '') === ''
      ? []
      : ['spec.externalID: this field is deprecated, and is unused by Kubernetes']),
  ];
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function validateNode({ spec: own }: DeepReadonly<Node>): FieldError[] {
  const seen = new Set<string>();
  const errors = each(own?.taints, spec.child('taints'), ({ key = '', value = '', effect = '' }, place) => {
    const problems = validateLabelName(key, place.child('key'));
    const messages = isValidLabelValue(value);
    if (messages.length > 0) problems.push(field.invalid(place.child('value'), value, messages.join(';')));
    problems.push(
      ...(effect === '' ? [field.required(place.child('effect'))] : oneOf(effect, effects, place.child('effect'))),
    );
    const same = `${key}:${effect}`;
    if (seen.has(same)) {
      const duplicate = field.duplicate(place, { key, ...(value === '' ? {} : { value }), effect });
      const text = `${duplicate.message}: taints must be unique by key and effect pair`;
      problems.push({ ...duplicate, message: text });
    }
    seen.add(same);
    return problems;
  });
  return [
    ...errors,
    ...each(own?.podCIDRs, spec.child('podCIDRs'), (range, place) =>
      isCidr(range)
        ? []
        : [field.invalid(place, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')],
    ),
    ...validateFamilies(own?.podCIDRs ?? []),
  ];
}

function validateFamilies(ranges: readonly string[]): FieldError[] {
  if (new Set(ranges.map(isIpv6)).size === ranges.length || !ranges.every(isCidr)) return [];
  const text = 'may specify no more than one CIDR for each IP family';
  return [field.invalid(spec.child('podCIDRs'), ranges, text)];
}

/** Addresses and machine of a node can be filled in once. */
function validateNodeKept({ spec: own }: DeepReadonly<Node>, { spec: old }: DeepReadonly<Node>): FieldError[] {
  const errors: FieldError[] = [];
  if (!isUnset(old?.podCIDRs) && JSON.stringify(own?.podCIDRs) !== JSON.stringify(old?.podCIDRs)) {
    const text = 'node updates may not change podCIDR except from "" to valid';
    errors.push(field.forbidden(spec.child('podCIDRs'), text));
  }
  if (!isUnset(old?.providerID) && own?.providerID !== old?.providerID) {
    const text = 'node updates may not change providerID except from "" to valid';
    errors.push(field.forbidden(spec.child('providerID'), text));
  }
  return errors;
}
