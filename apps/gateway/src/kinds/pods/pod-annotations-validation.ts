import { type PodSpec } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, isQualifiedName } from '#machinery';
import { invalids, isUnset } from '../validation/checks';

type Annotations = Readonly<Record<string, string>> | undefined;

const mirror = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const MAXIMUM_BYTES = 256 * 1024;

/** Annotations of a template; those of objects are checked with their metadata. */
export function validateAnnotations(annotations: Annotations, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...invalids(isQualifiedName(key.toLowerCase()), path, key));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return bytes > MAXIMUM_BYTES ? [...errors, field.tooLong(path, MAXIMUM_BYTES)] : errors;
}

/** Annotations that say something about the pod. */
export function validatePodAnnotations(
  annotations: Annotations,
  spec: DeepReadonly<PodSpec>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const mirrored = annotations?.[mirror];
  if (mirrored !== undefined && isUnset(spec.nodeName)) {
    errors.push(field.invalid(path.key(mirror), mirrored, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations?.[deletionCost];
  if (cost !== undefined && !isInt32(cost)) {
    errors.push(field.invalid(path.key(deletionCost), cost, 'must be a 32bit integer'));
  }
  return errors;
}

function isInt32(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

/** A pod cannot become or cease to be the mirror of a static pod. */
export function validatePodAnnotationsUpdate(
  annotations: Annotations,
  old: Annotations,
  path: FieldPath,
): FieldError[] {
  return annotations?.[mirror] === old?.[mirror]
    ? []
    : [field.forbidden(path.key(mirror), 'may not remove or update mirror pod annotation')];
}
