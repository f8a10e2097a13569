import { type Container, type Volume, type VolumeDevice, type VolumeMount } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath } from '#machinery';
import { each, isUnset, localPath, noBacksteps, oneOf, required } from '../validation/checks';

/** The volumes of a pod that are valid themselves, by name: a mount of another one is a mount of nothing. */
export type Volumes = ReadonlyMap<string, DeepReadonly<Volume>>;

type ContainerLike = DeepReadonly<Pick<Container, 'volumeMounts' | 'volumeDevices' | 'securityContext'>>;

export function validateMounts(container: ContainerLike, volumes: Volumes, path: FieldPath): FieldError[] {
  const devices = container.volumeDevices ?? [];
  const seen = new Set<string>();
  return each(container.volumeMounts, path, (mount, place) => {
    const { name = '', mountPath = '' } = mount;
    const errors = required(name, place.child('name'));
    if (!volumes.has(name)) errors.push(field.notFound(place.child('name'), name));
    errors.push(...required(mountPath, place.child('mountPath')));
    if (seen.has(mountPath)) errors.push(field.invalid(place.child('mountPath'), mountPath, 'must be unique'));
    seen.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      errors.push(field.invalid(place.child('name'), name, 'must not already exist in volumeDevices'));
    }
    if (devices.some(({ devicePath }) => devicePath === mountPath)) {
      const text = 'must not already exist as a path in volumeDevices';
      errors.push(field.invalid(place.child('mountPath'), mountPath, text));
    }
    // Upstream forgets the index in the paths below.
    return [...errors, ...validateSubPath(mount, place, path), ...validatePropagation(mount, container, path)];
  });
}

function validateSubPath(mount: DeepReadonly<VolumeMount>, place: FieldPath, list: FieldPath): FieldError[] {
  const { subPath = '', subPathExpr = '' } = mount;
  const errors = localPath(subPath, list.child('subPath'));
  if (subPathExpr === '') return errors;
  if (subPath !== '') {
    const text = 'subPathExpr and subPath are mutually exclusive';
    errors.push(field.invalid(place.child('subPathExpr'), subPathExpr, text));
  }
  return [...errors, ...localPath(subPathExpr, list.child('subPathExpr'))];
}

function validatePropagation(
  { mountPropagation, recursiveReadOnly, readOnly }: DeepReadonly<VolumeMount>,
  { securityContext }: ContainerLike,
  list: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (mountPropagation !== undefined) {
    const place = list.child('mountPropagation');
    errors.push(...oneOf(mountPropagation, ['Bidirectional', 'HostToContainer', 'None'], place));
    if (mountPropagation === 'Bidirectional' && securityContext?.privileged !== true) {
      errors.push(field.forbidden(place, 'Bidirectional mount propagation is available only to privileged containers'));
    }
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return errors;
  const place = list.child('recursiveReadOnly');
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') {
    return [...errors, field.notSupported(place, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible'])];
  }
  if (readOnly !== true) errors.push(field.forbidden(place, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    errors.push(field.forbidden(place, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}

export function validateDevices(container: ContainerLike, volumes: Volumes, path: FieldPath): FieldError[] {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  return each(container.volumeDevices, path, (device: DeepReadonly<VolumeDevice>, place) => {
    const { name = '', devicePath = '' } = device;
    const namePath = place.child('name');
    const devicePathPath = place.child('devicePath');
    const volume = volumes.get(name);
    const errors = required(name, namePath);
    if (names.has(name)) errors.push(field.invalid(namePath, name, 'must be unique'));
    if (volume === undefined) errors.push(field.notFound(namePath, name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const text = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(field.invalid(namePath, name, text));
    }
    errors.push(...required(devicePath, devicePathPath));
    if (paths.has(devicePath)) errors.push(field.invalid(devicePathPath, devicePath, 'must be unique'));
    if (noBacksteps(devicePath, devicePathPath).length > 0) {
      errors.push(field.invalid(devicePathPath, devicePath, "can not contain backsteps ('..')"));
    } else {
      paths.add(devicePath);
    }
    if (mounts.some((mount) => mount.name === name)) {
      errors.push(field.invalid(namePath, name, 'must not already exist in volumeMounts'));
    }
    if (mounts.some(({ mountPath }) => mountPath === devicePath)) {
      errors.push(field.invalid(devicePathPath, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (!isUnset(name)) names.add(name);
    return errors;
  });
}
