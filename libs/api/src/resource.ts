import { createHash } from 'node:crypto';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A path below one object: `status`, `scale`, `log` … */
export interface SubresourceDefinition {
  readonly name: string;
  /** Kind of the body. `group` and `version` are given only where they differ from the resource's. */
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly Verb[];
}

/** What discovery says about one resource. Built-in ones come from `resources`, others from CustomResourceDefinitions. */
export interface ResourceDefinition {
  /** '' is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Sorted, as discovery lists them. */
  readonly verbs: readonly Verb[];
  /** Sorted by name. */
  readonly subresources: readonly SubresourceDefinition[];
  /** Opaque to clients; changes with the version that the store holds. Absent for what is not stored. */
  readonly storageVersionHash?: string;
  readonly listKind: string;
}

declare const objectType: unique symbol;

/** A resource whose objects are known to be of type `T`; `T` exists for the compiler only. */
export interface Resource<T> extends ResourceDefinition {
  readonly [objectType]?: T;
}

export const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/**
 * `storageVersionHash` of discovery: the first eight bytes of the SHA-256 of the group, version and kind in which objects
 * are stored.
 */
export function storageVersionHash(group: string, version: string, kind: string): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}

/** `apps/v1`, or `v1` for the core group. */
export function formatGroupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The inverse of `formatGroupVersion`; what has no slash is a version of the core group. */
export function parseGroupVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

interface ResourceOptions {
  readonly verbs?: readonly Verb[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly SubresourceDefinition[];
  /** Group version that the store holds, where it is another one. */
  readonly storedIn?: string;
}

type Define = <T>(plural: string, kind: string, options?: ResourceOptions) => Resource<T>;

/** Starts the table of one group version. */
export function groupVersion(
  group: string,
  version: string,
): { readonly namespaced: Define; readonly cluster: Define } {
  const define = (namespaced: boolean, plural: string, kind: string, options: ResourceOptions): ResourceDefinition => {
    const verbs = options.verbs ?? allVerbs;
    const stored = parseGroupVersion(options.storedIn ?? formatGroupVersion(group, version));
    return {
      group,
      version,
      kind,
      plural,
      singular: kind.toLowerCase(),
      shortNames: options.shortNames ?? [],
      categories: options.categories ?? [],
      namespaced,
      verbs,
      subresources: options.subresources ?? [],
      // Reviews and componentstatuses are computed, never stored.
      ...(verbs.includes('watch')
        ? { storageVersionHash: storageVersionHash(stored.group, stored.version, kind) }
        : {}),
      listKind: `${kind}List`,
    };
  };
  return {
    namespaced: (plural, kind, options = {}) => define(true, plural, kind, options),
    cluster: (plural, kind, options = {}) => define(false, plural, kind, options),
  };
}

/** One subresource; `group` and `version` only where its kind is of another group. */
export function subresource(
  name: string,
  kind: string,
  verbs: readonly Verb[],
  group?: string,
  version?: string,
): SubresourceDefinition {
  return group === undefined ? { name, kind, verbs } : { name, kind, group, version, verbs };
}
