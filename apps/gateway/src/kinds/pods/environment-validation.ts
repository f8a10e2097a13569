import {
  type ConfigMapKeySelector,
  type EnvFromSource,
  type EnvVar,
  type EnvVarSource,
  type FileKeySelector,
  type ObjectFieldSelector,
  type ResourceFieldSelector,
} from '#api';
import {
  canonicalQuantity,
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isRelaxedEnvVarName,
} from '#machinery';
import {
  configKey,
  each,
  invalids,
  isUnset,
  type List,
  localPath,
  namedReference,
  qualifiedName,
  required,
} from '../validation/checks';

/** What a variable may show of its pod; volumes may show labels and annotations as a whole as well. */
const environmentFields = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);

const volumeFields = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
]);

/** Field labels that pods have at all, for the downward API. */
const knownFields = new Set([
  ...environmentFields,
  ...volumeFields,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

const resourceFields = ['cpu', 'ephemeral-storage', 'memory']
  .flatMap((name) => [`limits.${name}`, `requests.${name}`])
  .sort();

const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export function validateEnvironment(variables: List<DeepReadonly<EnvVar>>, path: FieldPath): FieldError[] {
  return each(variables, path, (variable, place) => [
    ...(isUnset(variable.name)
      ? [field.required(place.child('name'))]
      : invalids(isRelaxedEnvVarName(variable.name), place.child('name'), variable.name)),
    ...(variable.valueFrom === undefined
      ? []
      : validateSource(variable.valueFrom, variable.value ?? '', place.child('valueFrom'))),
  ]);
}

function validateSource(source: DeepReadonly<EnvVarSource>, value: string, path: FieldPath): FieldError[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const errors: FieldError[] = [];
  if (fieldRef !== undefined) errors.push(...validateFieldRef(fieldRef, environmentFields, path.child('fieldRef')));
  if (resourceFieldRef !== undefined) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, false, path.child('resourceFieldRef')));
  }
  if (configMapKeyRef !== undefined) errors.push(...validateKeyRef(configMapKeyRef, path.child('configMapKeyRef')));
  if (secretKeyRef !== undefined) errors.push(...validateKeyRef(secretKeyRef, path.child('secretKeyRef')));
  if (fileKeyRef !== undefined) errors.push(...validateFileKeyRef(fileKeyRef, path.child('fileKeyRef')));

  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef];
  const used = sources.filter((item) => item !== undefined).length;
  if (used === 0) {
    const text =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    errors.push(field.invalid(path, '', text));
  } else if (value !== '') {
    errors.push(field.invalid(path, '', 'may not be specified when `value` is not empty'));
  } else if (used > 1) {
    errors.push(field.invalid(path, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

function validateKeyRef(reference: DeepReadonly<ConfigMapKeySelector>, path: FieldPath): FieldError[] {
  return [...namedReference(reference, path), ...configKey(reference.key, path.child('key'))];
}

function validateFileKeyRef(reference: DeepReadonly<FileKeySelector>, path: FieldPath): FieldError[] {
  return [
    ...required(reference.key, path.child('key')),
    ...required(reference.volumeName, path.child('volumeName')),
    ...required(reference.path, path.child('path')),
    ...localPath(reference.path ?? '', path.child('path')),
  ];
}

export function validateVolumeFieldRef(reference: DeepReadonly<ObjectFieldSelector>, path: FieldPath): FieldError[] {
  return validateFieldRef(reference, volumeFields, path);
}

function validateFieldRef(
  { apiVersion = '', fieldPath }: DeepReadonly<ObjectFieldSelector>,
  allowed: ReadonlySet<string>,
  path: FieldPath,
): FieldError[] {
  if (apiVersion === '') return [field.required(path.child('apiVersion'))];
  if (isUnset(fieldPath)) return [field.required(path.child('fieldPath'))];
  const subscripted = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/s.exec(fieldPath);
  if (subscripted !== null) {
    const [, map, key = ''] = subscripted;
    return qualifiedName(map === 'metadata.annotations' ? key.toLowerCase() : key, path);
  }
  const converted = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  const problem =
    apiVersion !== 'v1'
      ? `unsupported pod version: ${apiVersion}`
      : knownFields.has(converted)
        ? ''
        : `field label not supported: ${fieldPath}`;
  if (problem !== '') {
    return [field.invalid(path.child('fieldPath'), fieldPath, `error converting fieldPath: ${problem}`)];
  }
  return allowed.has(converted) ? [] : [field.notSupported(path.child('fieldPath'), converted, [...allowed].sort())];
}

export function validateResourceFieldRef(
  { containerName, resource = '', divisor }: DeepReadonly<ResourceFieldSelector>,
  needsContainer: boolean,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (needsContainer && isUnset(containerName)) errors.push(field.required(path.child('containerName')));
  else if (resource === '') errors.push(field.required(path.child('resource')));
  else if (!resourceFields.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    errors.push(field.notSupported(path.child('resource'), resource, resourceFields));
  }
  return [...errors, ...validateDivisor(resource, divisor, path.child('divisor'))];
}

function validateDivisor(resource: string, divisor: string | undefined, path: FieldPath): FieldError[] {
  if (divisor === undefined || canonicalQuantity(divisor) === '0') return [];
  const kind = resource.replace(/^\w+\./, '');
  const allowed = kind === 'cpu' ? ['1m', '1'] : byteDivisors;
  if (resource === '' || allowed.includes(canonicalQuantity(divisor))) return [];
  const values = kind === 'cpu' ? '1m and 1' : byteDivisors.join(', ');
  const name =
    kind === 'ephemeral-storage' ? 'local ephemeral storage' : kind.startsWith('hugepages-') ? 'hugepages' : kind;
  return [field.invalid(path, resource, `only divisor's values ${values} are supported with the ${name} resource`)];
}

export function validateEnvironmentSources(sources: List<DeepReadonly<EnvFromSource>>, path: FieldPath): FieldError[] {
  return each(sources, path, ({ prefix = '', configMapRef, secretRef }, place) => {
    const errors = prefix === '' ? [] : invalids(isRelaxedEnvVarName(prefix), place.child('prefix'), prefix);
    errors.push(
      ...namedReference(configMapRef, place.child('configMapRef')),
      ...namedReference(secretRef, place.child('secretRef')),
    );
    if (configMapRef === undefined && secretRef === undefined) {
      errors.push(field.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.push(field.invalid(path, '', 'may not have more than one field specified at a time'));
    }
    return errors;
  });
}
