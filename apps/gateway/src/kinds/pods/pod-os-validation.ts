import { type PodSpec } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath } from '#machinery';
import { isUnset } from '../validation/checks';

const systems = ['linux', 'windows'];

/** Fields of a pod that mean nothing on Windows. */
const linuxOnly = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
] as const;

const linuxOnlyInContainers = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** `spec.os`, and the fields that only the other system has. */
export function validatePodOs(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  if (spec.os === undefined) return [];
  const { name } = spec.os;
  if (isUnset(name)) return [field.required(path.child('os', 'name'), 'cannot be empty')];
  if (!systems.includes(name)) return [field.notSupported(path.child('os'), name, systems)];
  return name === 'linux' ? validateLinux(spec, path) : validateWindows(spec, path);
}

function containersOf(spec: DeepReadonly<PodSpec>, path: FieldPath): { context: object; place: FieldPath }[] {
  return (['containers', 'initContainers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => ({
      context: container.securityContext ?? {},
      place: path.child(list).index(index).child('securityContext'),
    })),
  );
}

function validateLinux(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  const contexts = [
    { context: spec.securityContext ?? {}, place: path.child('securityContext') },
    ...containersOf(spec, path),
  ];
  return contexts
    .filter(({ context }) => 'windowsOptions' in context)
    .map(({ place }) =>
      field.forbidden(place.child('windowsOptions'), 'windows options cannot be set for a linux pod'),
    );
}

function validateWindows(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  const cannot = (place: FieldPath): FieldError => field.forbidden(place, 'cannot be set for a windows pod');
  const security = path.child('securityContext');
  const context = spec.securityContext ?? {};
  return [
    ...linuxOnly.filter((name) => !isUnset(context[name])).map((name) => cannot(security.child(name))),
    ...(['hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true).map((name) => cannot(path.child(name))),
    ...(spec.hostUsers === undefined ? [] : [cannot(path.child('hostUsers'))]),
    ...(spec.shareProcessNamespace === undefined ? [] : [cannot(path.child('shareProcessNamespace'))]),
    ...containersOf(spec, path).flatMap(({ context: own, place }) =>
      linuxOnlyInContainers.filter((name) => name in own).map((name) => cannot(place.child(name))),
    ),
  ];
}
