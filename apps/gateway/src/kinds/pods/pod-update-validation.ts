import { type Container, type Pod, type PodSpec, type Toleration } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { each, type List, required, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { unifiedDiff } from '../validation/unified-diff';
import { validatePodAnnotationsUpdate } from './pod-annotations-validation';
import { validateGatedUpdate } from './pod-gate-validation';
import { specOf, validatePod } from './pod-validation';

const spec = FieldPath.of('spec');
const MAXIMUM_INT32 = 2 ** 31 - 1;

const mutableFields = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** `ValidatePodUpdate`: a pod is what it was created as, but for a few fields. */
export function validatePodUpdate(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod>): FieldError[] {
  const own = specOf(pod);
  const before = specOf(old);
  const errors = [...validatePod(pod), ...validateMirror(pod, old)];

  for (const list of ['containers', 'initContainers'] as const) {
    if ((own[list] ?? []).length !== (before[list] ?? []).length) {
      return [...errors, field.forbidden(spec.child(list), 'pod updates may not add or remove containers')];
    }
    errors.push(...each(own[list], spec.child(list), ({ image }, place) => required(image, place.child('image'))));
  }
  const deadline = validateDeadline(own.activeDeadlineSeconds, before.activeDeadlineSeconds);
  errors.push(...deadline.errors);
  if (deadline.stop) return errors;
  errors.push(...validateTolerations(own.tolerations, before.tolerations));
  const knownGates = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  errors.push(
    ...each(own.schedulingGates, spec.child('schedulingGates'), ({ name }, place) =>
      knownGates.has(name)
        ? []
        : [field.forbidden(place.child('name'), `only deletion is allowed, but found new scheduling gate '${name}'`)],
    ),
  );
  if (sameValue(own, before)) return errors;
  const gated = validateGatedUpdate(own, before);
  return [...errors, ...gated.errors, ...compareSpecs(withMutableFields(gated.spec, before), before)];
}

export function validateMirror(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod>): FieldError[] {
  const path = FieldPath.of('metadata', 'annotations');
  return validatePodAnnotationsUpdate(pod.metadata?.annotations, old.metadata?.annotations, path);
}

/** A deadline may be set once and then only come closer. */
function validateDeadline(value: number | undefined, old: number | undefined): { errors: FieldError[]; stop: boolean } {
  const path = spec.child('activeDeadlineSeconds');
  if (value === undefined) {
    if (old === undefined) return { errors: [], stop: false };
    const text = 'must not update from a positive integer to nil value';
    return { errors: [field.invalid(path, undefined, text)], stop: false };
  }
  if (value < 0 || value > MAXIMUM_INT32) {
    return { errors: [field.invalid(path, value, `must be between 0 and ${MAXIMUM_INT32}, inclusive`)], stop: true };
  }
  if (old !== undefined && old < value) {
    return { errors: [field.invalid(path, value, 'must be less than or equal to previous value')], stop: true };
  }
  return { errors: [], stop: false };
}

/** Tolerations that are there stay, though for how long may change. */
function validateTolerations(
  tolerations: List<DeepReadonly<Toleration>>,
  old: List<DeepReadonly<Toleration>>,
): FieldError[] {
  const kept = (old ?? []).every((toleration) =>
    (tolerations ?? []).some((other) =>
      sameValue({ ...other, tolerationSeconds: 0 }, { ...toleration, tolerationSeconds: 0 }),
    ),
  );
  const path = spec.child('tolerations');
  return kept ? [] : [field.forbidden(path, 'existing toleration can not be modified except its tolerationSeconds')];
}

/** The new spec with what may change as it was: whatever still differs is a mistake. */
function withMutableFields(own: DeepReadonly<PodSpec>, before: DeepReadonly<PodSpec>): DeepReadonly<PodSpec> {
  const result: Record<string, unknown> = {
    ...own,
    containers: withImages(own.containers, before.containers),
    initContainers: withImages(own.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    schedulingGates: before.schedulingGates,
    tolerations: before.tolerations,
  };
  const grace = before.terminationGracePeriodSeconds;
  if (grace !== undefined && grace < 0 && own.terminationGracePeriodSeconds === 1) {
    result.terminationGracePeriodSeconds = grace;
  }
  return result as unknown as DeepReadonly<PodSpec>;
}

function withImages(
  containers: List<DeepReadonly<Container>>,
  before: List<DeepReadonly<Container>>,
): DeepReadonly<Container>[] {
  return (containers ?? []).map((container, index) => {
    const image = before?.[index]?.image;
    return image === undefined ? container : { ...container, image };
  });
}

function compareSpecs(own: DeepReadonly<PodSpec>, before: DeepReadonly<PodSpec>): FieldError[] {
  const a = internalSpec(before);
  const b = internalSpec(own);
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const text = `pod updates may not change fields other than ${mutableFields}\n${unifiedDiff(a, b)}`;
  return [field.forbidden(spec, text)];
}

/** Upstream keeps what the pod shares with its host, and whose users it has, in the security context. */
function internalSpec(own: DeepReadonly<PodSpec>): unknown {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = own;
  const securityContext = {
    ...own.securityContext,
    hostNetwork,
    hostPID,
    hostIPC,
    shareProcessNamespace,
    hostUsers,
  };
  return goStruct({ ...own, securityContext }, 'PodSpec');
}
