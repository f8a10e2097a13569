import { type PodTemplateSpec } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  type LabelMatcher,
  type LabelSelector,
  labelSelectorMatcher,
  SelectorError,
  validateLabelSelector,
} from '#machinery';
import { validatePodTemplate } from '../pods/pod-validation';
import { podTemplateWarnings } from '../pods/pod-warnings';
import { isUnset, sameValue } from '../validation/checks';

type Template = DeepReadonly<PodTemplateSpec> | undefined;
type Selector = DeepReadonly<LabelSelector> | undefined;

/** How a kind words its complaints about selectors and templates. */
export interface TemplateRules {
  /** `empty selector is invalid for …`. */
  readonly owner: string;
  /** `activeDeadlineSeconds in … is not Supported`. */
  readonly kind: string;
  /** Daemon sets alone do not say that a selector is missing: none matches nothing. */
  readonly isSelectorOptional?: boolean;
  /** What is said about a selector that cannot be read. */
  readonly unreadable?: string;
}

export function validateSelector(selector: Selector, path: FieldPath, rules: TemplateRules): FieldError[] {
  if (selector === undefined) return rules.isSelectorOptional === true ? [] : [field.required(path)];
  const errors = validateLabelSelector(selector, path);
  if (isUnset(Object.keys(selector.matchLabels ?? {})) && isUnset(selector.matchExpressions)) {
    errors.push(field.invalid(path, selector, `empty selector is invalid for ${rules.owner}`));
  }
  return errors;
}

/** A template that runs for ever and whose pods the selector finds. */
export function validateSelectedTemplate(
  selector: Selector,
  template: Template,
  path: FieldPath,
  rules: TemplateRules,
): FieldError[] {
  const matcher = matcherOf(selector);
  if (matcher === undefined)
    return [field.invalid(path.child('selector'), selector, rules.unreadable ?? 'invalid label selector')];
  const place = path.child('template');
  return [
    ...validateMatch(matcher, selector === undefined, template, place),
    ...validatePodTemplate(template, place),
    ...validateForever(template, place, rules.kind),
  ];
}

export function validateForever(template: Template, place: FieldPath, kind: string): FieldError[] {
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {};
  const errors: FieldError[] = [];
  // Other values than the three have been complained about.
  if (restartPolicy !== 'Always' && template?.spec !== undefined) {
    errors.push(field.notSupported(place.child('spec', 'restartPolicy'), restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const text = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(field.forbidden(place.child('spec', 'activeDeadlineSeconds'), text));
  }
  return errors;
}

/** Undefined if it cannot be read; no selector selects nothing. */
export function matcherOf(selector: Selector): LabelMatcher | undefined {
  try {
    return labelSelectorMatcher(selector);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

export function validateMatch(
  matcher: LabelMatcher,
  selectsNothing: boolean,
  template: Template,
  place: FieldPath,
): FieldError[] {
  const labels = template?.metadata?.labels;
  if (!selectsNothing && matcher.matches(labels ?? {})) return [];
  return [field.invalid(place.child('metadata', 'labels'), labels, '`selector` does not match template `labels`')];
}

/** Warnings about a template, when it is new. */
export function newTemplateWarnings(template: Template, old: Template, path: FieldPath): string[] {
  return sameValue(template, old) ? [] : podTemplateWarnings(template, path);
}
