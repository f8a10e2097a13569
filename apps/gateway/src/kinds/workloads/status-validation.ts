import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { nonNegative } from '../validation/checks';

const path = FieldPath.of('status');

type Status = DeepReadonly<Record<string, unknown>> | undefined;

/** What is counted in the status of a kind of workload, and which count may not be above which. */
export interface StatusRules {
  readonly counts: readonly string[];
  /** `[smaller, larger, what the larger is called]` */
  readonly limits?: readonly (readonly [string, string, string])[];
}

const replicas = ['replicas', 'status.replicas'] as const;

export const deploymentStatus: StatusRules = {
  counts: [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'terminatingReplicas',
    'collisionCount',
  ],
  limits: [
    ['updatedReplicas', ...replicas],
    ['readyReplicas', ...replicas],
    ['availableReplicas', ...replicas],
    ['availableReplicas', 'readyReplicas', 'readyReplicas'],
  ],
};

/** Also of replication controllers. */
export const replicaSetStatus: StatusRules = {
  counts: [
    'replicas',
    'fullyLabeledReplicas',
    'readyReplicas',
    'availableReplicas',
    'terminatingReplicas',
    'observedGeneration',
  ],
  limits: [
    ['fullyLabeledReplicas', ...replicas],
    ['readyReplicas', ...replicas],
    ['availableReplicas', ...replicas],
    ['availableReplicas', 'readyReplicas', 'readyReplicas'],
  ],
};

export const statefulSetStatus: StatusRules = {
  counts: [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
    'availableReplicas',
    'observedGeneration',
    'collisionCount',
  ],
  limits: [
    ['readyReplicas', ...replicas],
    ['currentReplicas', ...replicas],
    ['updatedReplicas', ...replicas],
    ['availableReplicas', ...replicas],
    ['availableReplicas', 'readyReplicas', 'status.readyReplicas'],
  ],
};

export const daemonSetStatus: StatusRules = {
  counts: [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ],
};

/** `Validate…StatusUpdate` of the workloads. */
export function validateStatus(rules: StatusRules, status: Status, old: Status): FieldError[] {
  const errors = rules.counts.flatMap((name) => nonNegative(countOf(status, name), path.child(name)));
  for (const [name, limit, called] of rules.limits ?? []) {
    const value = countOf(status, name);
    if (value > countOf(status, limit)) {
      errors.push(field.invalid(path.child(name), value, `cannot be greater than ${called}`));
    }
  }
  return rules.counts.includes('collisionCount') ? [...errors, ...validateCollisions(status, old)] : errors;
}

/** Names of earlier collisions would be tried again. */
function validateCollisions(status: Status, old: Status): FieldError[] {
  if (old?.['collisionCount'] === undefined) return [];
  const value = status?.['collisionCount'];
  if (value !== undefined && countOf(status, 'collisionCount') >= countOf(old, 'collisionCount')) return [];
  return [field.invalid(path.child('collisionCount'), value, 'cannot be decremented')];
}

function countOf(status: Status, name: string): number {
  const value = status?.[name];
  return typeof value === 'number' ? value : 0;
}
