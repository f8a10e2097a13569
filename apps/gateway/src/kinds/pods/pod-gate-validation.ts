import { type NodeSelector, type PodSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { immutable, sameValue } from '../validation/checks';

const spec = FieldPath.of('spec');

/**
 * While gates hold a pod back (KEP-3521) whoever opens them may still narrow down where it goes: add to the node selector and
 * to the terms of the node affinity. Returns the spec with those changes taken back if they are allowed.
 */
export function validateGatedUpdate(
  own: DeepReadonly<PodSpec>,
  before: DeepReadonly<PodSpec>,
): { errors: FieldError[]; spec: DeepReadonly<PodSpec> } {
  if ((before.schedulingGates ?? []).length === 0) return { errors: [], spec: own };
  const errors: FieldError[] = [];
  const result: { -readonly [K in keyof DeepReadonly<PodSpec>]: DeepReadonly<PodSpec>[K] } = { ...own };
  if (!sameValue(own.nodeSelector, before.nodeSelector)) {
    errors.push(...onlyAdditions(own.nodeSelector ?? {}, before.nodeSelector ?? {}));
    if (before.nodeSelector === undefined) delete result.nodeSelector;
    else result.nodeSelector = before.nodeSelector;
  }
  const affinity = own.affinity?.nodeAffinity;
  const old = before.affinity?.nodeAffinity;
  if (!sameValue(affinity, old)) {
    const path = spec.child('affinity', 'nodeAffinity');
    const key = 'requiredDuringSchedulingIgnoredDuringExecution';
    if (old !== undefined) errors.push(...validateTerms(affinity?.[key], old[key], path.child(key)));
    const { nodeAffinity: _own, ...rest } = own.affinity ?? {};
    const restored = old === undefined ? rest : { ...rest, nodeAffinity: old };
    if (before.affinity === undefined && Object.keys(restored).length === 0) delete result.affinity;
    else result.affinity = restored;
  }
  return { errors, spec: result };
}

function onlyAdditions(labels: Readonly<Record<string, string>>, old: Readonly<Record<string, string>>): FieldError[] {
  return Object.entries(old).every(([key, value]) => labels[key] === value)
    ? []
    : [
        field.invalid(
          spec.child('nodeSelector'),
          labels,
          'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
        ),
      ];
}

/** Terms are alternatives, so none may come or go; within a term more requirements are fine. */
function validateTerms(
  selector: DeepReadonly<NodeSelector> | undefined,
  old: DeepReadonly<NodeSelector> | undefined,
  path: FieldPath,
): FieldError[] {
  const terms = selector?.nodeSelectorTerms ?? [];
  const oldTerms = old?.nodeSelectorTerms ?? [];
  const place = path.child('nodeSelectorTerms');
  if (oldTerms.length === 0) return [];
  if (terms.length !== oldTerms.length) return immutable(terms, oldTerms, place);
  return terms.flatMap((term, index) => {
    const before = oldTerms[index] ?? {};
    const kept = (['matchExpressions', 'matchFields'] as const).every((list) =>
      (before[list] ?? []).every((requirement, position) => sameValue(term[list]?.[position], requirement)),
    );
    const text = 'only additions are allowed (no mutations or deletions)';
    return kept ? [] : [field.invalid(place.index(index), term, text)];
  });
}
