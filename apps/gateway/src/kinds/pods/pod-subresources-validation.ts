import { type Container, type Pod } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { address } from '../validation/addresses';
import { dnsSubdomain, each, immutable, isUnset, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { unifiedDiff } from '../validation/unified-diff';
import { validateMirror } from './pod-update-validation';
import { specOf, validatePod } from './pod-validation';
import { qosClassOf } from './qos';

const spec = FieldPath.of('spec');
const status = FieldPath.of('status');

function isStatic(pod: DeepReadonly<Pod>): boolean {
  return pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

/** `pods/ephemeralcontainers`: containers can be added; those that are there stay as they are. */
export function validateEphemeralContainersUpdate(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod>): FieldError[] {
  const errors = [...validatePod(pod), ...validateMirror(pod, old)];
  if (isStatic(old)) return [...errors, field.forbidden('', 'static pods do not support ephemeral containers')];
  const path = spec.child('ephemeralContainers');
  const containers = specOf(pod).ephemeralContainers ?? [];
  for (const before of specOf(old).ephemeralContainers ?? []) {
    const now = containers.find(({ name }) => name === before.name);
    const name = JSON.stringify(before.name);
    if (now === undefined) {
      errors.push(field.forbidden(path, `existing ephemeral containers ${name} may not be removed\n`));
    } else if (!sameValue(now, before)) {
      const diff = unifiedDiff(goStruct(before, 'EphemeralContainer'), goStruct(now, 'EphemeralContainer'));
      errors.push(field.forbidden(path, `existing ephemeral containers ${name} may not be changed\n${diff}`));
    }
  }
  return errors;
}

/** `pods/resize` (KEP-1287): CPU and memory of containers may change, what they mean for eviction may not. */
export function validateResize(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod>): FieldError[] {
  const errors = [...validatePod(pod), ...validateMirror(pod, old)];
  if (isStatic(old)) return [...errors, field.forbidden('', 'static pods cannot be resized')];
  const own = specOf(pod);
  const before = specOf(old);
  if (before.os?.name === 'windows') return [...errors, field.forbidden('', 'windows pods cannot be resized')];
  const qosClass = qosClassOf(before);
  if (qosClass !== qosClassOf(own)) {
    errors.push(field.invalid(spec, qosClass, 'Pod QOS Class may not change as a result of resizing'));
  }
  for (const list of ['containers', 'initContainers'] as const) {
    errors.push(
      ...each(own[list], spec.child(list), (container, place, index) => {
        const other = before[list]?.[index];
        return other === undefined ? [] : validateRemoval(container, other, place.child('resources'));
      }),
    );
  }
  const keepsOthers = (['containers', 'initContainers'] as const).every((list) =>
    sameValue((own[list] ?? []).map(withoutCpuAndMemory), (before[list] ?? []).map(withoutCpuAndMemory)),
  );
  return keepsOthers ? errors : [...errors, field.forbidden(spec, 'only cpu and memory resources are mutable')];
}

function validateRemoval(
  container: DeepReadonly<Container>,
  old: DeepReadonly<Container>,
  path: FieldPath,
): FieldError[] {
  return (['limits', 'requests'] as const).flatMap((kind) => {
    const removed = Object.keys(old.resources?.[kind] ?? {}).some(
      (name) => container.resources?.[kind]?.[name] === undefined,
    );
    return removed ? [field.forbidden(path.child(kind), `resource ${kind} cannot be removed`)] : [];
  });
}

function withoutCpuAndMemory(container: DeepReadonly<Container>): unknown {
  const { resizePolicy: _policy, resources, ...rest } = container;
  const without = ({ cpu: _cpu, memory: _memory, ...others }: Readonly<Record<string, string>> = {}): unknown => others;
  return {
    ...rest,
    limits: without(resources?.limits),
    requests: without(resources?.requests),
    claims: resources?.claims ?? [],
  };
}

/** `ValidatePodStatusUpdate`. */
export function validatePodStatusUpdate(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod>): FieldError[] {
  const errors = validateMirror(pod, old);
  const { nominatedNodeName, podIPs, hostIPs, qosClass } = pod.status ?? {};
  if (!isUnset(nominatedNodeName)) {
    errors.push(...dnsSubdomain(nominatedNodeName ?? '', status.child('nominatedNodeName')));
  }
  if (old.status?.qosClass !== undefined) {
    errors.push(...immutable(qosClass, old.status.qosClass, status.child('qosClass')));
  }
  errors.push(
    ...validateTransitions(pod, old, 'containerStatuses'),
    ...validateTransitions(pod, old, 'initContainerStatuses'),
    ...validateAddresses(podIPs, status.child('podIPs')),
    ...validateAddresses(hostIPs, status.child('hostIPs')),
  );
  return errors;
}

function validateAddresses(addresses: readonly { readonly ip?: string }[] | undefined, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return each(addresses, path, ({ ip = '' }, place) => {
    const errors = address(ip, place);
    if (seen.has(ip)) errors.push(field.duplicate(place, ip));
    seen.add(ip);
    return errors;
  });
}

/** A container that has ended for good does not run again. */
function validateTransitions(
  pod: DeepReadonly<Pod>,
  old: DeepReadonly<Pod>,
  list: 'containerStatuses' | 'initContainerStatuses',
): FieldError[] {
  const { restartPolicy, containers, initContainers } = specOf(pod);
  if (restartPolicy === 'Always') return [];
  const own = list === 'containerStatuses' ? containers : (initContainers ?? []);
  return (old.status?.[list] ?? []).flatMap((before, index) => {
    const ended = before.state?.terminated;
    const now = pod.status?.[list]?.find(({ name }) => name === before.name);
    const container = own.find(({ name }) => name === before.name);
    if (ended === undefined || now === undefined || now.state?.terminated !== undefined) return [];
    const mayRestart = container?.restartPolicy !== undefined || (container?.restartPolicyRules ?? []).length > 0;
    if (mayRestart || (restartPolicy === 'OnFailure' && ended.exitCode !== 0)) return [];
    const path = status.child(list).index(index).child('state');
    return [field.forbidden(path, 'may not be transitioned to non-terminated state')];
  });
}
