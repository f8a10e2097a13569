import { type HTTPGetAction, type Lifecycle, type LifecycleHandler, type Probe } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, isHttpHeaderName } from '#machinery';
import { portNumberOrName } from '../validation/addresses';
import { each, invalids, isUnset, nonNegative, oneOf, required } from '../validation/checks';

type Handler = DeepReadonly<Probe> & DeepReadonly<LifecycleHandler>;

/** Each handler and what makes it one; a probe or hook has exactly one of them. */
const handlers: readonly (readonly [
  keyof Handler,
  (handler: Handler, path: FieldPath, gracePeriod: number | undefined) => FieldError[],
])[] = [
  ['exec', ({ exec }, path) => required(exec?.command, path.child('command'))],
  ['httpGet', ({ httpGet }, path) => (httpGet === undefined ? [] : validateHttpGet(httpGet, path))],
  ['tcpSocket', ({ tcpSocket }, path) => portNumberOrName(tcpSocket?.port, path.child('port'))],
  ['grpc', ({ grpc }, path) => portNumberOrName(grpc?.port, path.child('port'))],
  ['sleep', ({ sleep }, path, gracePeriod) => validateSleep(sleep?.seconds ?? 0, gracePeriod, path)],
];

function validateHandler(handler: Handler, gracePeriod: number | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const [name, validate] of handlers) {
    if (handler[name] === undefined) continue;
    if (found) errors.push(field.forbidden(path.child(name), 'may not specify more than 1 handler type'));
    else errors.push(...validate(handler, path.child(name), gracePeriod));
    found = true;
  }
  return found ? errors : [field.required(path, 'must specify a handler type')];
}

function validateHttpGet(action: DeepReadonly<HTTPGetAction>, path: FieldPath): FieldError[] {
  return [
    ...required(action.path, path.child('path')),
    ...portNumberOrName(action.port, path.child('port')),
    ...oneOf(action.scheme, ['HTTP', 'HTTPS'], path.child('scheme')),
    ...each(action.httpHeaders, path, ({ name }) => invalids(isHttpHeaderName(name), path.child('httpHeaders'), name)),
  ];
}

function validateSleep(seconds: number, gracePeriod: number | undefined, path: FieldPath): FieldError[] {
  if (gracePeriod === undefined || (seconds >= 0 && seconds <= gracePeriod)) return [];
  const text = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`;
  return [field.invalid(path, seconds, text)];
}

const counters = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateProbe(probe: DeepReadonly<Probe>, path: FieldPath): FieldError[] {
  const errors = validateHandler(probe, undefined, path);
  for (const name of counters) errors.push(...nonNegative(probe[name], path.child(name)));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(field.invalid(path.child('terminationGracePeriodSeconds'), grace, 'must be greater than 0'));
  }
  return errors;
}

interface Probes {
  readonly livenessProbe?: DeepReadonly<Probe>;
  readonly readinessProbe?: DeepReadonly<Probe>;
  readonly startupProbe?: DeepReadonly<Probe>;
}

export function validateProbes(probes: Probes, path: FieldPath): FieldError[] {
  const { livenessProbe, readinessProbe, startupProbe } = probes;
  const errors: FieldError[] = [];
  if (livenessProbe !== undefined) errors.push(...validateOnce(livenessProbe, path.child('livenessProbe')));
  if (readinessProbe !== undefined) {
    const place = path.child('readinessProbe');
    errors.push(...validateProbe(readinessProbe, place));
    const grace = readinessProbe.terminationGracePeriodSeconds;
    if (grace !== undefined) {
      const text = 'must not be set for readinessProbes';
      errors.push(field.invalid(place.child('terminationGracePeriodSeconds'), grace, text));
    }
  }
  if (startupProbe !== undefined) errors.push(...validateOnce(startupProbe, path.child('startupProbe')));
  return errors;
}

/** A probe whose failure ends the container: one success is enough to go on. */
function validateOnce(probe: DeepReadonly<Probe>, path: FieldPath): FieldError[] {
  const errors = validateProbe(probe, path);
  if (probe.successThreshold === 1) return errors;
  return [...errors, field.invalid(path.child('successThreshold'), probe.successThreshold ?? 0, 'must be 1')];
}

/** `os` is the system that the pod says it is for: signals have meaning only there. */
export function validateLifecycle(
  lifecycle: DeepReadonly<Lifecycle>,
  gracePeriod: number | undefined,
  os: string | undefined,
  path: FieldPath,
): FieldError[] {
  const { postStart, preStop, stopSignal } = lifecycle;
  return [
    ...(postStart === undefined ? [] : validateHandler(postStart, gracePeriod, path.child('postStart'))),
    ...(preStop === undefined ? [] : validateHandler(preStop, gracePeriod, path.child('preStop'))),
    ...(stopSignal !== undefined && isUnset(os)
      ? [field.forbidden(path.child('stopSignal'), 'may not be set for containers with empty `spec.os.name`')]
      : []),
  ];
}
