import { type Job, type JobSpec, type SuccessPolicy } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isQualifiedName,
  validateLabelSelector,
} from '#machinery';
import { hostNameWarnings, warnAt } from '../common/warnings';
import { validatePodTemplate } from '../pods/pod-validation';
import { podTemplateWarnings } from '../pods/pod-warnings';
import { each, immutable, invalids, isUnset, nonNegative, oneOf, sameValue } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { matcherOf, validateMatch } from '../workloads/template-validation';
import { validateFailurePolicy } from './job-failure-policy-validation';

const spec = FieldPath.of('spec');
const template = spec.child('template');

/** More pods than that would not fit into the status that lists what indexes are done. */
const MAXIMUM_INDEXED = 100_000;

export const jobValidation: Validation<Job> = {
  validateCreate: validateJob,
  validateUpdate: (job, old) => [...validateJob(job), ...validateKept(job.spec, old.spec)],
  warningsOnCreate: ({ metadata, spec: own }) => [...hostNameWarnings(metadata), ...jobSpecWarnings(own, spec)],
};

/** `WarningsForJobSpec`. */
export function jobSpecWarnings(own: DeepReadonly<JobSpec> | undefined, path: FieldPath): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = own ?? {};
  const isVast = completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000;
  const text =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [...(isVast ? [warnAt(path, text)] : []), ...podTemplateWarnings(own?.template, path.child('template'))];
}

function validateJob({ spec: own }: DeepReadonly<Job>): FieldError[] {
  if (own === undefined) return [];
  const errors = validateJobSpec(own, spec);
  const selector = spec.child('selector');
  if (own.selector === undefined) errors.push(field.required(selector));
  else errors.push(...validateLabelSelector(own.selector, selector));
  const matcher = matcherOf(own.selector);
  if (matcher !== undefined) {
    errors.push(...validateMatch(matcher, own.selector === undefined, own.template, template));
  }
  return errors;
}

const counters = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

/** `validateJobSpec`, also of the jobs that a cron job makes. */
export function validateJobSpec(own: DeepReadonly<JobSpec>, path: FieldPath): FieldError[] {
  return [
    ...counters.flatMap((name) => nonNegative(own[name], path.child(name))),
    ...validateManager(own.managedBy, path.child('managedBy')),
    ...validateCompletion(own, path),
    ...(own.podFailurePolicy === undefined
      ? []
      : validateFailurePolicy(own.podFailurePolicy, own, path.child('podFailurePolicy'))),
    ...validateSuccess(own, path.child('successPolicy')),
    ...validateReplacement(own, path.child('podReplacementPolicy')),
    ...validatePodTemplate(own.template, path.child('template')),
    ...validateRestart(own, path.child('template', 'spec', 'restartPolicy')),
  ];
}

function validateManager(name: string | undefined, path: FieldPath): FieldError[] {
  if (name === undefined) return [];
  if (!name.includes('/')) {
    return [field.invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  return [...invalids(isQualifiedName(name), path, name), ...(name.length > 63 ? [field.tooLong(path, 63)] : [])];
}

function validateCompletion(own: DeepReadonly<JobSpec>, path: FieldPath): FieldError[] {
  const { completionMode, completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = own;
  const errors: FieldError[] = [];
  const isIndexed = completionMode === 'Indexed';
  if (completionMode !== undefined) {
    errors.push(...oneOf(completionMode, ['Indexed', 'NonIndexed'], path.child('completionMode')));
  }
  if (isIndexed) {
    if (completions === undefined) {
      errors.push(field.required(path.child('completions'), 'when completion mode is Indexed'));
    }
    if (parallelism > MAXIMUM_INDEXED) {
      const text = `must be less than or equal to ${MAXIMUM_INDEXED} when completion mode is Indexed`;
      errors.push(field.invalid(path.child('parallelism'), parallelism, text));
    }
    if (maxFailedIndexes !== undefined && maxFailedIndexes > (completions ?? 0)) {
      const text = 'must be less than or equal to completions';
      errors.push(field.invalid(path.child('maxFailedIndexes'), maxFailedIndexes, text));
    }
  } else {
    for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (own[name] === undefined) continue;
      errors.push(field.invalid(path.child(name), own[name], 'requires indexed completion mode'));
    }
  }
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    errors.push(field.required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  }
  return errors;
}

function validateSuccess(own: DeepReadonly<JobSpec>, path: FieldPath): FieldError[] {
  const policy = own.successPolicy;
  if (policy === undefined) return [];
  if (own.completionMode !== 'Indexed') {
    return [field.invalid(path, policy, 'requires indexed completion mode')];
  }
  const rules = path.child('rules');
  if (isUnset(policy.rules))
    return [field.required(rules, 'at least one rules must be specified when the successPolicy is specified')];
  const errors = policy.rules.length > 20 ? [field.tooMany(rules, policy.rules.length, 20)] : [];
  return [...errors, ...each(policy.rules, rules, validateSuccessRule)];
}

function validateSuccessRule(rule: DeepReadonly<SuccessPolicy['rules'][number]>, path: FieldPath): FieldError[] {
  const { succeededIndexes, succeededCount } = rule;
  if (succeededIndexes === undefined && succeededCount === undefined) {
    return [field.required(path, 'at least one of succeededCount or succeededIndexes must be specified')];
  }
  return nonNegative(succeededCount, path.child('succeededCount'));
}

function validateReplacement(own: DeepReadonly<JobSpec>, path: FieldPath): FieldError[] {
  const { podReplacementPolicy: policy, podFailurePolicy } = own;
  if (policy === undefined) return [];
  return oneOf(policy, podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'], path);
}

/** A job's pods end: whoever always restarts does not. */
function validateRestart(own: DeepReadonly<JobSpec>, path: FieldPath): FieldError[] {
  const { spec: pod } = own.template;
  if (pod === undefined) return [];
  const { restartPolicy = '' } = pod;
  const errors: FieldError[] = [];
  if (restartPolicy === 'Always') errors.push(field.required(path, 'valid values: "OnFailure", "Never"'));
  else errors.push(...oneOf(restartPolicy, ['OnFailure', 'Never'], path));
  if (own.podFailurePolicy !== undefined && restartPolicy !== 'Never') {
    errors.push(field.invalid(path, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
  return errors;
}

type Spec = DeepReadonly<JobSpec> | undefined;

/** A job that has begun is what it is, but for how fast it goes and whether it goes on. */
function validateKept(own: Spec, old: Spec): FieldError[] {
  const errors = validateCompletions(own, old);
  errors.push(...immutable(own?.selector, old?.selector, spec.child('selector')));
  if (!sameValue(fixedTemplate(own, old), fixedTemplate(old, old))) {
    errors.push(field.invalid(template, own?.template, 'field is immutable'));
  }
  for (const name of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    errors.push(...immutable(own?.[name], old?.[name], spec.child(name)));
  }
  return errors;
}

/** Indexed jobs can grow and shrink (KEP-3715) as long as all indexes run at once. */
function validateCompletions(own: Spec, old: Spec): FieldError[] {
  const path = spec.child('completions');
  if (own?.completionMode !== 'Indexed' || own.completions === undefined || old?.completions === undefined) {
    return immutable(own?.completions, old?.completions, path);
  }
  if (own.completions === old.completions) return [];
  return own.completions === own.parallelism
    ? []
    : [field.invalid(path, own.completions, 'can only be modified in tandem with spec.parallelism')];
}

/** While a job is suspended, queues may still say where its pods go (KEP-2926). */
function fixedTemplate(own: Spec, old: Spec): unknown {
  if (old?.suspend !== true) return own?.template;
  const { nodeSelector: _n, tolerations: _t, affinity: _a, schedulingGates: _g, ...pod } = own?.template.spec ?? {};
  const { annotations: _annotations, labels: _labels, ...metadata } = own?.template.metadata ?? {};
  return { pod, metadata };
}
