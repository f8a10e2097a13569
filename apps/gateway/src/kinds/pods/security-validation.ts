import {
  type AppArmorProfile,
  type PodSecurityContext,
  type PodSpec,
  type SeccompProfile,
  type SecurityContext,
} from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath } from '#machinery';
import { each, inRange, isUnset, localPath, oneOf, optionalOneOf } from '../validation/checks';
import { goStruct } from '../validation/go-struct';

const MAXIMUM_ID = 2 ** 31 - 1;
const sysctlPattern = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const sysctlExpression = new RegExp(sysctlPattern);

function userOrGroupId(id: number | undefined, path: FieldPath): FieldError[] {
  return id === undefined ? [] : inRange(id, 0, MAXIMUM_ID, path);
}

export function validateContainerSecurity(
  context: DeepReadonly<SecurityContext> | undefined,
  hostUsers: boolean,
  path: FieldPath,
): FieldError[] {
  if (context === undefined) return [];
  const { procMount, allowPrivilegeEscalation, capabilities } = context;
  const errors = [
    ...userOrGroupId(context.runAsUser, path.child('runAsUser')),
    ...userOrGroupId(context.runAsGroup, path.child('runAsGroup')),
    ...optionalOneOf(procMount, ['Default', 'Unmasked'], path.child('procMount')),
  ];
  if (hostUsers && procMount === 'Unmasked') {
    errors.push(field.invalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  errors.push(...validateSeccomp(context.seccompProfile, path.child('seccompProfile')));
  if (allowPrivilegeEscalation === false) {
    const cannot = (what: string): FieldError =>
      field.invalid(
        path,
        goStruct(context, 'SecurityContext'),
        `cannot set \`allowPrivilegeEscalation\` to false and ${what}`,
      );
    if (context.privileged === true) errors.push(cannot('`privileged` to true'));
    for (const name of capabilities?.add ?? []) {
      if (name === 'CAP_SYS_ADMIN') errors.push(cannot('`capabilities.Add` CAP_SYS_ADMIN'));
    }
  }
  return [...errors, ...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile'))];
}

function validateSeccomp(profile: DeepReadonly<SeccompProfile> | undefined, path: FieldPath): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const place = path.child('localhostProfile');
  const errors = isUnset(type)
    ? [field.required(path.child('type'), 'type is required when seccompProfile is set')]
    : oneOf(type, ['Localhost', 'RuntimeDefault', 'Unconfined'], path.child('type'));
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.push(field.required(place, 'must be set when seccomp type is Localhost'));
    } else {
      errors.push(...localPath(localhostProfile, place));
    }
  } else if (localhostProfile !== undefined) {
    const value = goStruct(profile, 'Profile');
    errors.push(field.invalid(place, value, 'can only be set when seccomp type is Localhost'));
  }
  return errors;
}

function validateAppArmor(profile: DeepReadonly<AppArmorProfile> | undefined, path: FieldPath): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const place = path.child('localhostProfile');
  if (isUnset(type)) return [field.required(path.child('type'), 'type is required when appArmorProfile is set')];
  if (type !== 'Localhost') {
    const errors = oneOf(type, ['Localhost', 'RuntimeDefault', 'Unconfined'], path.child('type'));
    if (errors.length > 0 || localhostProfile === undefined) return errors;
    return [field.invalid(place, localhostProfile, 'can only be set when AppArmor type is Localhost')];
  }
  if (localhostProfile === undefined || localhostProfile.trim() === '') {
    return [field.required(place, 'must be set when AppArmor type is Localhost')];
  }
  if (localhostProfile.trim() !== localhostProfile) {
    return [field.invalid(place, localhostProfile, 'must not be padded with whitespace')];
  }
  return localhostProfile.length > 4095 ? [field.tooLong(place, 4095)] : [];
}

export function validatePodSecurity(
  context: DeepReadonly<PodSecurityContext> | undefined,
  spec: DeepReadonly<PodSpec>,
  path: FieldPath,
): FieldError[] {
  if (context === undefined) return [];
  const errors = [
    ...userOrGroupId(context.fsGroup, path.child('fsGroup')),
    ...userOrGroupId(context.runAsUser, path.child('runAsUser')),
    ...userOrGroupId(context.runAsGroup, path.child('runAsGroup')),
    ...each(context.supplementalGroups, path.child('supplementalGroups'), userOrGroupId),
  ];
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const text = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(field.invalid(path.child('shareProcessNamespace'), true, text));
  }
  return [
    ...errors,
    ...validateSysctls(context, spec, path.child('sysctls')),
    ...optionalOneOf(context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], path.child('fsGroupChangePolicy')),
    ...validateSeccomp(context.seccompProfile, path.child('seccompProfile')),
    ...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile')),
    ...optionalOneOf(context.supplementalGroupsPolicy, ['Merge', 'Strict'], path.child('supplementalGroupsPolicy')),
    ...optionalOneOf(context.seLinuxChangePolicy, ['MountOption', 'Recursive'], path.child('seLinuxChangePolicy')),
  ];
}

function validateSysctls(
  { sysctls }: DeepReadonly<PodSecurityContext>,
  spec: DeepReadonly<PodSpec>,
  path: FieldPath,
): FieldError[] {
  const names = new Set<string>();
  return each(sysctls, path, ({ name = '' }, place) => {
    const namePath = place.child('name');
    const plain = name.replaceAll('/', '.');
    const errors: FieldError[] = [];
    if (name === '') errors.push(field.required(namePath));
    else if (name.length > 253 || !sysctlExpression.test(name)) {
      errors.push(field.invalid(namePath, name, `must have at most 253 characters and match regex ${sysctlPattern}`));
    } else if (names.has(name)) errors.push(field.duplicate(namePath, name));
    names.add(name);
    if (spec.hostNetwork === true && plain.startsWith('net.')) {
      errors.push(field.invalid(namePath, name, "may not be specified when 'hostNetwork' is true"));
    }
    const ipc = plain === 'kernel.sem' || /^(kernel\.(shm|msg)|fs\.mqueue\.)/.test(plain);
    if (spec.hostIPC === true && ipc) {
      errors.push(field.invalid(namePath, name, "may not be specified when 'hostIPC' is true"));
    }
    return errors;
  });
}
