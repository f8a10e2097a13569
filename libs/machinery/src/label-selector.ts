import { type DeepReadonly } from './objects';
import {
  formatRequirement,
  type LabelOperator,
  labelRequirement,
  type LabelRequirement,
  type Labels,
  requirementMatches,
  SelectorError,
} from './label-requirement';
import { parseRequirements } from './label-selector-parser';

/** `metav1.LabelSelector`. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  key?: string;
  operator?: string;
  values?: string[];
}

/** Selects objects by their labels. Immutable; matching is linear in the requirements. */
export interface LabelMatcher {
  /** All must hold; none at all selects everything. */
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels | undefined): boolean;
  /** The equivalent `labelSelector` parameter. */
  toString(): string;
}

const noLabels: Labels = {};

function matcher(requirements: readonly LabelRequirement[]): LabelMatcher {
  return {
    requirements,
    matches(labels = noLabels) {
      // The innermost loop of the scheduler: no closures.
      for (const requirement of requirements) if (!requirementMatches(requirement, labels)) return false;
      return true;
    },
    toString: () => requirements.map(formatRequirement).join(','),
  };
}

export const matchEverything: LabelMatcher = matcher([]);

/** What a nil `LabelSelector` selects. */
export const matchNothing: LabelMatcher = { requirements: [], matches: () => false, toString: () => '' };

/** Reads a `labelSelector` parameter. Throws `SelectorError`. */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = parseRequirements(text);
  return requirements.length === 0
    ? matchEverything
    : matcher(requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)));
}

const operatorsOfKind: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * A matcher for the `LabelSelector` of an object. None selects nothing, an empty one everything. Throws `SelectorError`
 * for one that validation would have refused.
 */
export function labelSelectorMatcher(selector: DeepReadonly<LabelSelector> | undefined): LabelMatcher {
  if (selector === undefined) return matchNothing;
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    labelRequirement(key, '=', [value]),
  );
  for (const { key = '', operator = '', values = [] } of selector.matchExpressions ?? []) {
    const known = operatorsOfKind[operator];
    if (known === undefined) throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    requirements.push(labelRequirement(key, known, values));
  }
  return requirements.length === 0 ? matchEverything : matcher(requirements);
}

/** The matcher of a plain map: `spec.selector` of Services and ReplicationControllers. Nothing is validated. */
export function labelsMatcher(labels: Labels): LabelMatcher {
  return matcher(Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] })));
}
