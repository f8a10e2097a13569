import { type V2HPAScalingPolicy, type V2HPAScalingRules, type V2HorizontalPodAutoscaler } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { each, isUnset, nonNegative, nonNegativeQuantity, oneOf } from '../validation/checks';
import { validateMetric } from './metric-validation';
import { type Reference, validateReference, validateVersion } from './reference-validation';

const spec = FieldPath.of('spec');
const status = FieldPath.of('status');
const MAXIMUM_WINDOW_SECONDS = 3600;
const MAXIMUM_PERIOD_SECONDS = 1800;

type Autoscaler = DeepReadonly<V2HorizontalPodAutoscaler>;

/** Rules for autoscalers of both versions, which are checked in the form that is stored. */
export function validateAutoscaler({ spec: own }: Autoscaler, old?: Autoscaler): FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef = { kind: '', name: '' }, metrics, behavior } = own;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(field.invalid(spec.child('minReplicas'), minReplicas, 'must be greater than or equal to 1'));
  }
  const limit = spec.child('maxReplicas');
  if (maxReplicas === 0) errors.push(field.required(limit, 'must be set and greater than 0'));
  else if (maxReplicas < 1) errors.push(field.invalid(limit, maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(field.invalid(limit, maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  const target = spec.child('scaleTargetRef');
  errors.push(...validateReference(scaleTargetRef, target));
  const complaints = validateTargetVersion(scaleTargetRef, target);
  // What an older server let pass may stay.
  if (old === undefined || validateTargetVersion(old.spec.scaleTargetRef, target).length === 0) {
    errors.push(...complaints);
  }
  const sources = spec.child('metrics');
  errors.push(...each(metrics, sources, validateMetric));
  if (minReplicas === 0 && !(metrics ?? []).some(({ type }) => type === 'Object' || type === 'External')) {
    const text = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.push(field.forbidden(sources, text));
  }
  return [
    ...errors,
    ...validateRules(behavior?.scaleUp, spec.child('behavior', 'scaleUp')),
    ...validateRules(behavior?.scaleDown, spec.child('behavior', 'scaleDown')),
  ];
}

export function validateAutoscalerStatus({ status: own }: Autoscaler): FieldError[] {
  return [
    ...nonNegative(own?.currentReplicas, status.child('currentReplicas')),
    ...nonNegative(own?.desiredReplicas, status.child('desiredReplicas')),
  ];
}

/** Whatever scales is in a group, but for the oldest kind that does. */
function validateTargetVersion({ kind, apiVersion = '' }: Reference, path: FieldPath): FieldError[] {
  const place = path.child('apiVersion');
  const malformed = validateVersion(apiVersion, place);
  if (malformed.length > 0) return malformed;
  if (apiVersion.includes('/') || (kind === 'ReplicationController' && apiVersion === 'v1')) return [];
  return [field.invalid(place, apiVersion, 'apiVersion must specify API group')];
}

function validateRules(rules: DeepReadonly<V2HPAScalingRules> | undefined, path: FieldPath): FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies, tolerance } = rules;
  const errors: FieldError[] = [];
  const place = path.child('stabilizationWindowSeconds');
  if (window < 0) errors.push(field.invalid(place, window, 'must be greater than or equal to zero'));
  if (window > MAXIMUM_WINDOW_SECONDS) {
    errors.push(field.invalid(place, window, `must be less than or equal to ${MAXIMUM_WINDOW_SECONDS}`));
  }
  if (selectPolicy !== undefined) {
    errors.push(...oneOf(selectPolicy, ['Disabled', 'Max', 'Min'], path.child('selectPolicy')));
  }
  if (isUnset(policies)) errors.push(field.required(path.child('policies'), 'must specify at least one Policy'));
  errors.push(...each(policies, path.child('policies'), validatePolicy));
  if (tolerance !== undefined) errors.push(...nonNegativeQuantity(tolerance, path.child('tolerance')));
  return errors;
}

function validatePolicy(policy: DeepReadonly<V2HPAScalingPolicy>, path: FieldPath): FieldError[] {
  const { type, value, periodSeconds } = policy;
  const errors = oneOf(type, ['Percent', 'Pods'], path.child('type'));
  if (value <= 0) errors.push(field.invalid(path.child('value'), value, 'must be greater than zero'));
  const period = path.child('periodSeconds');
  if (periodSeconds <= 0) errors.push(field.invalid(period, periodSeconds, 'must be greater than zero'));
  if (periodSeconds > MAXIMUM_PERIOD_SECONDS) {
    errors.push(field.invalid(period, periodSeconds, `must be less than or equal to ${MAXIMUM_PERIOD_SECONDS}`));
  }
  return errors;
}
