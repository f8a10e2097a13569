import { type DownwardAPIVolumeFile, type ProjectedVolumeSource, type Volume, type VolumeProjection } from '#api';
import {
  compareQuantities,
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  parseQuantity,
  validateLabels,
  zeroQuantity,
} from '#machinery';
import {
  each,
  inRange,
  isUnset,
  localPath,
  localUnreservedPath,
  namedReference,
  noBacksteps,
  oneOf,
  required,
  requiredOneOf,
} from '../validation/checks';
import { validateClaimSpec } from '../storage/claim-spec-validation';
import { validateResourceFieldRef, validateVolumeFieldRef } from './environment-validation';
import { type PodContext, validateDriverName, validateKeyToPath, validateMode } from './volume-parts-validation';

type Source = DeepReadonly<Volume>;
type Check = (volume: Source, path: FieldPath, pod: PodContext) => FieldError[];

export const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** A source that only has to have some fields. */
function needs(source: keyof Volume, ...names: string[]): readonly [keyof Volume, Check] {
  return [
    source,
    (volume, path) =>
      names.flatMap((name) => required((volume[source] as Readonly<Record<string, unknown>>)[name], path.child(name))),
  ];
}

/** Every kind of volume in upstream's order, and what is wrong with one; a volume has exactly one of them. */
export const volumeSources: readonly (readonly [keyof Volume, Check])[] = [
  ['emptyDir', validateEmptyDir],
  ['hostPath', validateHostPath],
  [
    'gitRepo',
    ({ gitRepo }, path) => [
      ...required(gitRepo?.repository, path.child('repository')),
      ...localPath(gitRepo?.directory ?? '', path.child('directory')),
    ],
  ],
  needs('gcePersistentDisk', 'pdName'),
  needs('awsElasticBlockStore', 'volumeID'),
  ['secret', validateSecret],
  ['nfs', ({ nfs }, path) => validateNfs(nfs ?? {}, path)],
  ['iscsi', validateIscsi],
  needs('glusterfs', 'endpoints', 'path'),
  ['flocker', validateFlocker],
  needs('persistentVolumeClaim', 'claimName'),
  needs('rbd', 'monitors', 'image'),
  needs('cinder', 'volumeID'),
  needs('cephfs', 'monitors'),
  needs('quobyte', 'registry', 'volume'),
  [
    'downwardAPI',
    ({ downwardAPI }, path) => [
      ...validateMode(downwardAPI?.defaultMode, path.child('defaultMode')),
      ...(downwardAPI?.items ?? []).flatMap((file) => validateDownwardFile(file, path)),
    ],
  ],
  ['fc', validateFibreChannel],
  needs('flexVolume', 'driver'),
  ['configMap', validateConfigMap],
  needs('azureFile', 'secretName', 'shareName'),
  needs('vsphereVolume', 'volumePath'),
  needs('photonPersistentDisk', 'pdID'),
  needs('portworxVolume', 'volumeID'),
  needs('azureDisk', 'diskName', 'diskURI'),
  needs('storageos', 'volumeName'),
  ['projected', ({ projected }, path) => (projected === undefined ? [] : validateProjected(projected, path))],
  needs('scaleIO', 'gateway', 'system', 'volumeName'),
  [
    'csi',
    ({ csi }, path) => [
      ...validateDriverName(csi?.driver, path.child('driver')),
      ...namedReference(csi?.nodePublishSecretRef, path.child('nodePublishSecretRef')),
    ],
  ],
  ['ephemeral', validateEphemeral],
  ['image', validateImage],
];

function validateEmptyDir({ emptyDir }: Source, path: FieldPath): FieldError[] {
  const limit = emptyDir?.sizeLimit;
  return limit !== undefined && compareQuantities(parseQuantity(limit), zeroQuantity) < 0
    ? [field.forbidden(path.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity')]
    : [];
}

function validateHostPath({ hostPath }: Source, path: FieldPath): FieldError[] {
  if (isUnset(hostPath?.path)) return [field.required(path.child('path'))];
  return [
    ...noBacksteps(hostPath?.path ?? '', path.child('path')),
    ...oneOf(hostPath?.type, hostPathTypes, path.child('type')),
  ];
}

function validateSecret({ secret }: Source, path: FieldPath): FieldError[] {
  return [
    ...required(secret?.secretName, path.child('secretName')),
    ...validateMode(secret?.defaultMode, path.child('defaultMode')),
    ...each(secret?.items, path.child('items'), validateKeyToPath),
  ];
}

function validateConfigMap({ configMap }: Source, path: FieldPath): FieldError[] {
  return [
    ...required(configMap?.name, path.child('name')),
    ...validateMode(configMap?.defaultMode, path.child('defaultMode')),
    ...each(configMap?.items, path.child('items'), validateKeyToPath),
  ];
}

export function validateNfs(nfs: { readonly server?: string; readonly path?: string }, path: FieldPath): FieldError[] {
  const errors = [...required(nfs.server, path.child('server')), ...required(nfs.path, path.child('path'))];
  if (nfs.path?.startsWith('/') === true) return errors;
  return [...errors, field.invalid(path.child('path'), nfs.path ?? '', 'must be an absolute path')];
}

function validateIscsi({ iscsi }: Source, path: FieldPath): FieldError[] {
  const { targetPortal, iqn = '', lun = 0 } = iscsi ?? {};
  const errors = required(targetPortal, path.child('targetPortal'));
  if (iqn === '') errors.push(field.required(path.child('iqn')));
  else if (!/^(iqn|eui|naa)/.test(iqn)) {
    errors.push(field.invalid(path.child('iqn'), iqn, 'must be valid format starting with iqn, eui, or naa'));
  }
  return [...errors, ...inRange(lun, 0, 255, path.child('lun'))];
}

function validateFlocker({ flocker }: Source, path: FieldPath): FieldError[] {
  const { datasetName = '', datasetUUID = '' } = flocker ?? {};
  const errors =
    datasetName === '' && datasetUUID === ''
      ? [field.required(path, 'one of datasetName and datasetUUID is required')]
      : [];
  if (datasetName !== '' && datasetUUID !== '') {
    errors.push(field.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  }
  if (datasetName.includes('/')) {
    errors.push(field.invalid(path.child('datasetName'), datasetName, "must not contain '/'"));
  }
  return errors;
}

function validateFibreChannel({ fc }: Source, path: FieldPath): FieldError[] {
  const { targetWWNs, wwids, lun } = fc ?? {};
  const errors: FieldError[] = [];
  if (isUnset(targetWWNs) && isUnset(wwids)) {
    const text = 'must specify either targetWWNs or wwids, but not both';
    errors.push(field.required(path.child('targetWWNs'), text));
  }
  if (!isUnset(targetWWNs) && !isUnset(wwids)) {
    errors.push(
      field.invalid(path.child('targetWWNs'), targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'),
    );
  }
  if (!isUnset(targetWWNs)) {
    if (lun === undefined) errors.push(field.required(path.child('lun'), 'lun is required if targetWWNs is specified'));
    else errors.push(...inRange(lun, 0, 255, path.child('lun')));
  }
  return errors;
}

function validateEphemeral({ ephemeral }: Source, path: FieldPath): FieldError[] {
  const template = ephemeral?.volumeClaimTemplate;
  const place = path.child('volumeClaimTemplate');
  if (template === undefined) return [field.required(place)];
  return [
    ...validateLabels(template.metadata?.labels, place.child('metadata', 'labels')),
    ...validateClaimSpec(template.spec, place.child('spec')),
  ];
}

function validateImage({ image }: Source, path: FieldPath, { isTemplate }: PodContext): FieldError[] {
  return [
    ...(isTemplate ? [] : required(image?.reference, path.child('reference'))),
    ...requiredOneOf(image?.pullPolicy, ['Always', 'IfNotPresent', 'Never'], path.child('pullPolicy')),
  ];
}

/** Upstream names no index here. */
function validateDownwardFile(file: DeepReadonly<DownwardAPIVolumeFile>, path: FieldPath): FieldError[] {
  const { fieldRef, resourceFieldRef } = file;
  const errors = [
    ...required(file.path, path.child('path')),
    ...localUnreservedPath(file.path ?? '', path.child('path')),
  ];
  if (fieldRef !== undefined) {
    errors.push(...validateVolumeFieldRef(fieldRef, path.child('fieldRef')));
    if (resourceFieldRef !== undefined) {
      errors.push(field.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (resourceFieldRef !== undefined) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, true, path.child('resourceFieldRef')));
  } else {
    errors.push(field.required(path, 'one of fieldRef and resourceFieldRef is required'));
  }
  return [...errors, ...validateMode(file.mode, path.child('mode'))];
}

function validateProjected(projected: DeepReadonly<ProjectedVolumeSource>, path: FieldPath): FieldError[] {
  const paths = new Set<string>();
  const claim = (file: string | undefined, owner: string): FieldError[] => {
    if (file === undefined || file === '') return [];
    const taken = paths.has(file);
    paths.add(file);
    return taken ? [field.invalid(path, owner, 'conflicting duplicate paths')] : [];
  };
  return [
    ...validateMode(projected.defaultMode, path.child('defaultMode')),
    ...each(projected.sources, path.child('sources'), (source, place) =>
      validateProjection(source, place, path, claim),
    ),
  ];
}

type ClaimPath = (file: string | undefined, owner: string) => FieldError[];

function validateProjection(
  source: DeepReadonly<VolumeProjection>,
  path: FieldPath,
  volume: FieldPath,
  claim: ClaimPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['secret', 'configMap'] as const) {
    const projection = source[name];
    if (projection === undefined) continue;
    errors.push(...required(projection.name, path.child(name, 'name')));
    for (const item of projection.items ?? []) {
      errors.push(...validateKeyToPath(item, path.child(name)), ...claim(item.path, projection.name ?? ''));
    }
  }
  for (const file of source.downwardAPI?.items ?? []) {
    errors.push(...validateDownwardFile(file, path.child('downwardAPI')), ...claim(file.path, file.path));
  }
  const token = source.serviceAccountToken;
  if (token !== undefined) {
    const place = path.child('serviceAccountToken');
    errors.push(...validateTokenLifetime(token.expirationSeconds, place.child('expirationSeconds')));
    if (isUnset(token.path)) errors.push(field.required(place.child('path')));
    else errors.push(...localUnreservedPath(token.path, volume.child('path')), ...claim(token.path, token.path));
  }
  const kinds = [
    'secret',
    'configMap',
    'downwardAPI',
    'serviceAccountToken',
    'clusterTrustBundle',
    'podCertificate',
  ] as const;
  if (kinds.filter((kind) => source[kind] !== undefined).length > 1) {
    errors.push(field.forbidden(path, 'may not specify more than 1 volume type'));
  }
  return errors;
}

/** Shorter tokens would have to be renewed all the time; longer ones overflow upstream's counter. */
function validateTokenLifetime(seconds: number | undefined, path: FieldPath): FieldError[] {
  if (seconds === undefined) return [];
  if (seconds < 600) return [field.invalid(path, seconds, 'may not specify a duration less than 10 minutes')];
  return seconds > 2 ** 32 ? [field.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')] : [];
}
