import { type PersistentVolume, type PersistentVolumeSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { validateNodeSelector } from '../pods/affinity-validation';
import { volumeWarnings } from './volume-warnings';
import { validateDriverName } from '../pods/volume-parts-validation';
import { hostPathTypes, validateNfs } from '../pods/volume-source-validation';
import {
  count,
  dnsSubdomain,
  isUnset,
  localPath,
  noBacksteps,
  oneOf,
  optionalOneOf,
  required,
  sameValue,
} from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { unifiedDiff } from '../validation/unified-diff';
import { type Validation } from '../validation/validation';
import { positiveQuantity, validateAccessModes } from './claim-spec-validation';

const spec = FieldPath.of('spec');
type Spec = DeepReadonly<PersistentVolumeSpec>;

export const persistentVolumeValidation: Validation<PersistentVolume> = {
  validateCreate: validateVolume,
  validateUpdate: validateVolumeUpdate,
  warningsOnCreate: volumeWarnings,
  warningsOnUpdate: volumeWarnings,
};

type SourceName = keyof PersistentVolumeSpec;
type Source = readonly [SourceName, (own: Spec, path: FieldPath) => FieldError[]];

function needs(source: SourceName, ...names: string[]): Source {
  return [
    source,
    (own, path) =>
      names.flatMap((name) => required((own[source] as Readonly<Record<string, unknown>>)[name], path.child(name))),
  ];
}

/** Where the data is, in upstream's order: exactly one of them. */
const sources: readonly Source[] = [
  [
    'hostPath',
    ({ hostPath }, path) =>
      isUnset(hostPath?.path)
        ? [field.required(path.child('path'))]
        : [
            ...noBacksteps(hostPath?.path ?? '', path.child('path')),
            ...oneOf(hostPath?.type ?? '', hostPathTypes, path.child('type')),
          ],
  ],
  needs('gcePersistentDisk', 'pdName'),
  needs('awsElasticBlockStore', 'volumeID'),
  needs('glusterfs', 'endpoints', 'path'),
  needs('flocker'),
  ['nfs', ({ nfs }, path) => validateNfs(nfs ?? {}, path)],
  needs('rbd', 'monitors', 'image'),
  needs('quobyte', 'registry', 'volume'),
  needs('cephfs', 'monitors'),
  needs('iscsi', 'targetPortal', 'iqn'),
  needs('cinder', 'volumeID'),
  needs('fc'),
  needs('flexVolume', 'driver'),
  needs('azureFile', 'secretName', 'shareName'),
  needs('vsphereVolume', 'volumePath'),
  needs('photonPersistentDisk', 'pdID'),
  needs('portworxVolume', 'volumeID'),
  needs('azureDisk', 'diskName', 'diskURI'),
  needs('scaleIO', 'gateway', 'system', 'volumeName'),
  ['local', validateLocal],
  needs('storageos', 'volumeName'),
  [
    'csi',
    ({ csi }, path) => [
      ...validateDriverName(csi?.driver, path.child('driver')),
      ...required(csi?.volumeHandle, path.child('volumeHandle')),
    ],
  ],
];

function validateLocal(own: Spec, path: FieldPath): FieldError[] {
  const place = path.child('path');
  const target = own.local?.path ?? '';
  if (target === '') return [field.required(place)];
  const errors = target.startsWith('/') ? noBacksteps(target, place) : localPath(target, place);
  if (own.nodeAffinity === undefined) {
    errors.push(field.required(spec.child('nodeAffinity'), 'Local volume requires node affinity'));
  }
  return errors;
}

const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

function validateVolume({ spec: own = {} }: DeepReadonly<PersistentVolume>): FieldError[] {
  const errors = isUnset(own.accessModes) ? [field.required(spec.child('accessModes'))] : [];
  errors.push(...validateAccessModes(own.accessModes, spec.child('accessModes')), ...validateCapacity(own));
  errors.push(
    ...optionalOneOf(own.persistentVolumeReclaimPolicy, reclaimPolicies, spec.child('persistentVolumeReclaimPolicy')),
  );
  const affinity = own.nodeAffinity?.required;
  if (own.nodeAffinity !== undefined) {
    const place = spec.child('nodeAffinity', 'required');
    errors.push(
      ...(affinity === undefined
        ? [field.required(place, 'must specify required node constraints')]
        : validateNodeSelector(affinity, place)),
    );
  }
  errors.push(...validateSources(own));
  if (own.hostPath?.path === '/' && own.persistentVolumeReclaimPolicy === 'Recycle') {
    const text = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(field.forbidden(spec.child('persistentVolumeReclaimPolicy'), text));
  }
  if (!isUnset(own.storageClassName))
    errors.push(...dnsSubdomain(own.storageClassName ?? '', spec.child('storageClassName')));
  return [...errors, ...optionalOneOf(own.volumeMode, ['Block', 'Filesystem'], spec.child('volumeMode'))];
}

function validateCapacity({ capacity }: Spec): FieldError[] {
  const path = spec.child('capacity');
  const names = Object.keys(capacity ?? {});
  const errors = names.length === 0 ? [field.required(path)] : [];
  if (capacity?.['storage'] === undefined || names.length > 1) {
    // Upstream says that only storage is supported by showing all that was given.
    const sorted = capacity && Object.fromEntries(Object.entries(capacity).sort(([a], [b]) => (a < b ? -1 : 1)));
    const shown = field.invalid(path, sorted, '').message.replace('Invalid value', 'Unsupported value');
    const unsupported = field.notSupported(path, '', ['storage']);
    errors.push({ ...unsupported, message: `${shown}: supported values: "storage"` });
  }
  for (const [name, value] of Object.entries(capacity ?? {})) errors.push(...positiveQuantity(value, path.key(name)));
  return errors;
}

function validateSources(own: Spec): FieldError[] {
  const used = sources.filter(([name]) => own[name] !== undefined);
  if (count(used) === 0) return [field.required(spec, 'must specify a volume type')];
  return used.flatMap(([name, validate], index) =>
    index === 0
      ? validate(own, spec.child(name))
      : [field.forbidden(spec.child(name), 'may not specify more than 1 volume type')],
  );
}

function validateVolumeUpdate(
  volume: DeepReadonly<PersistentVolume>,
  old: DeepReadonly<PersistentVolume>,
): FieldError[] {
  const errors = validateVolume(volume);
  const source = goStruct(volume.spec ?? {}, 'PersistentVolumeSource');
  const before = goStruct(old.spec ?? {}, 'PersistentVolumeSource');
  if (!sameValue(source, before)) {
    const text = `spec.persistentvolumesource is immutable after creation\n${unifiedDiff(before, source)}`;
    errors.push(field.forbidden(spec.child('persistentvolumesource'), text));
  }
  if (!sameValue(volume.spec?.volumeMode, old.spec?.volumeMode)) {
    errors.push(field.invalid('volumeMode', volume.spec?.volumeMode, 'field is immutable'));
  }
  if (old.spec?.nodeAffinity !== undefined && !sameValue(volume.spec?.nodeAffinity, old.spec.nodeAffinity)) {
    const text = 'field is immutable, except for updating from beta label to GA';
    errors.push(field.invalid('nodeAffinity', volume.spec?.nodeAffinity, text));
  }
  return errors;
}
