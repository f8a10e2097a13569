import {
  compareQuantities,
  field,
  type FieldError,
  type FieldPath,
  isQualifiedName,
  milliValue,
  parseQuantity,
} from '#machinery';
import { invalids, nonNegativeQuantity } from './checks';

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** Resources that are counted in whole things. */
const countedResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

const standardResources = new Set([
  ...containerResources,
  ...countedResources,
  ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'storage',
  'requests.storage',
]);

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

function isStandard(name: string): boolean {
  return standardResources.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-');
}

/** Kubernetes' own: without a prefix, or with `kubernetes.io/`. */
export function isNative(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** Devices that nodes advertise: `example.com/gpu`. */
export function isExtended(name: string): boolean {
  return !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0;
}

export function mayOvercommit(name: string): boolean {
  return isNative(name) && !isHugePages(name);
}

export function resourceName(name: string, path: FieldPath): FieldError[] {
  const errors = invalids(isQualifiedName(name), path, name);
  if (errors.length > 0 || name.includes('/') || isStandard(name)) return errors;
  return [field.invalid(path, name, 'must be a standard resource type or fully qualified')];
}

export function containerResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = resourceName(name, path);
  if (!name.includes('/')) {
    if (!containerResources.has(name) && !isHugePages(name)) {
      errors.push(field.invalid(path, name, 'must be a standard resource for containers'));
    }
  } else if (!isNative(name) && !isExtended(name)) {
    errors.push(field.invalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

/** An amount of a resource: not negative, and whole where the resource comes in pieces. */
export function resourceQuantity(name: string, value: string, path: FieldPath): FieldError[] {
  const fractional =
    (countedResources.has(name) || isExtended(name)) && milliValue(parseQuantity(value)) % 1000n !== 0n;
  return [
    ...nonNegativeQuantity(value, path),
    ...(fractional ? [field.invalid(path, value, 'must be an integer')] : []),
  ];
}

type Quantities = Readonly<Record<string, string>>;

export interface Requirements {
  readonly limits?: Quantities;
  readonly requests?: Quantities;
  readonly claims?: readonly { readonly name: string; readonly request?: string }[];
}

/** `ValidateContainerResourceRequirements`: what a container asks for and may have. */
export function resourceRequirements(
  { limits = {}, requests = {}, claims = [] }: Requirements,
  path: FieldPath,
  podClaims: ReadonlySet<string> = new Set(),
): FieldError[] {
  const errors: FieldError[] = [];
  const limitsPath = path.child('limits');
  const requestsPath = path.child('requests');
  for (const [name, value] of Object.entries(limits)) {
    const place = limitsPath.key(name);
    errors.push(...containerResourceName(name, place), ...resourceQuantity(name, value, place));
  }
  for (const [name, value] of Object.entries(requests)) {
    const place = requestsPath.key(name);
    errors.push(...containerResourceName(name, place), ...resourceQuantity(name, value, place));
    errors.push(...requestAgainstLimit(name, value, limits[name], limitsPath, requestsPath));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(field.forbidden(path, 'HugePages require cpu or memory'));
  }
  return [...errors, ...claimNames(claims, path.child('claims'), podClaims)];
}

function requestAgainstLimit(
  name: string,
  request: string,
  limit: string | undefined,
  limitsPath: FieldPath,
  requestsPath: FieldPath,
): FieldError[] {
  if (limit === undefined) {
    return mayOvercommit(name)
      ? []
      : [field.required(limitsPath, 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantities(parseQuantity(request), parseQuantity(limit));
  if (order !== 0 && !mayOvercommit(name)) {
    return [field.invalid(requestsPath, request, `must be equal to ${name} limit of ${limit}`)];
  }
  return order > 0
    ? [field.invalid(requestsPath, request, `must be less than or equal to ${name} limit of ${limit}`)]
    : [];
}

function claimNames(
  claims: NonNullable<Requirements['claims']>,
  path: FieldPath,
  podClaims: ReadonlySet<string>,
): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name, request = '' }, index) => {
    const place = path.index(index);
    if (name === '') return [field.required(place)];
    const key = `${name}/${request}`;
    const errors = seen.has(key) ? [field.duplicate(place, name)] : [];
    seen.add(key);
    if (podClaims.has(name)) return errors;
    const known = podClaims.size === 0 ? ' which is empty' : `: ${[...podClaims].sort().join(', ')}`;
    const missing = field.notFound(place, name);
    return [
      ...errors,
      { ...missing, message: `${missing.message}: must be one of the names in pod.spec.resourceClaims${known}` },
    ];
  });
}
