import { groupResources } from '../group-order';
import { type ResourceDefinition, formatGroupVersion } from '../resource';
import { metaPackage } from '../schemas';
import { type HttpMethod, type Operation, groupIdentifier, groupTag, groupVersionPath } from './operations';
import { type Parameter } from './parameters';

/** One path with its operations; `shared` are the parameters that all of them have. */
export interface PathItem {
  readonly path: string;
  readonly shared: readonly Parameter[];
  readonly operations: readonly Operation[];
}

/** Groups operations by path, sorted, and moves parameters that all of a path's operations have to the path. */
export function pathItems(operations: readonly Operation[]): PathItem[] {
  const byPath = new Map<string, Operation[]>();
  for (const operation of operations) {
    const list = byPath.get(operation.path) ?? [];
    byPath.set(operation.path, list);
    list.push(operation);
  }
  return [...byPath]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, list]) => {
      const shared = sortParameters(
        list[0]?.parameters.filter((parameter) => list.every((operation) => has(operation, parameter))) ?? [],
      );
      return {
        path,
        shared,
        operations: list.map((operation) => ({
          ...operation,
          parameters: sortParameters(
            operation.parameters.filter(
              (parameter) => !shared.some((one) => one.name === parameter.name && one.in === parameter.in),
            ),
          ),
        })),
      };
    });
}

function has(operation: Operation, wanted: Parameter): boolean {
  return operation.parameters.some((parameter) => parameter.name === wanted.name && parameter.in === wanted.in);
}

function sortParameters(parameters: readonly Parameter[]): Parameter[] {
  return [...parameters].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.in < b.in ? -1 : 1));
}

/** A GET of something that is no resource: discovery, version. */
export interface PlainPath {
  readonly path: string;
  readonly method: Extract<HttpMethod, 'get'>;
  readonly operationId: string;
  readonly description: string;
  readonly tag: string;
  readonly media: readonly string[];
  /** Definition of the answer; absent for text. */
  readonly answer?: string;
}

const documentMedia: readonly string[] = ['application/json', 'application/yaml'];
const meta = (kind: string): string => `${metaPackage}.${kind}`;

/** `/apis/<group>/<version>/`. */
export function resourceListPath(group: string, version: string): PlainPath {
  return {
    path: `${groupVersionPath(group, version)}/`,
    method: 'get',
    operationId: `get${groupIdentifier(group)}${version.charAt(0).toUpperCase()}${version.slice(1)}APIResources`,
    description: 'get available resources',
    tag: `${groupTag(group)}_${version}`,
    media: documentMedia,
    answer: meta('APIResourceList'),
  };
}

/** `/apis/<group>/`, or `/api/`. */
export function groupPath(group: string): PlainPath {
  return group === ''
    ? {
        path: '/api/',
        method: 'get',
        operationId: 'getCoreAPIVersions',
        description: 'get available API versions',
        tag: 'core',
        media: documentMedia,
        answer: meta('APIVersions'),
      }
    : {
        path: `/apis/${group}/`,
        method: 'get',
        operationId: `get${groupIdentifier(group)}APIGroup`,
        description: 'get information of a group',
        tag: groupTag(group),
        media: documentMedia,
        answer: meta('APIGroup'),
      };
}

export const groupListPath: PlainPath = {
  path: '/apis/',
  method: 'get',
  operationId: 'getAPIVersions',
  description: 'get available API versions',
  tag: 'apis',
  media: documentMedia,
  answer: meta('APIGroupList'),
};

export const versionPath: PlainPath = {
  path: '/version/',
  method: 'get',
  operationId: 'getCodeVersion',
  description: 'get the version information for this server',
  tag: 'version',
  media: ['application/json'],
  answer: 'io.k8s.apimachinery.pkg.version.Info',
};

export const issuerPath: PlainPath = {
  path: '/.well-known/openid-configuration/',
  method: 'get',
  operationId: 'getServiceAccountIssuerOpenIDConfiguration',
  description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
  tag: 'WellKnown',
  media: ['application/json'],
};

export const keySetPath: PlainPath = {
  path: '/openid/v1/jwks/',
  method: 'get',
  operationId: 'getServiceAccountIssuerOpenIDKeyset',
  description: 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
  tag: 'openid',
  media: ['application/jwk-set+json'],
};

/** Every plain path of a server that serves these resources. */
export function plainPaths(resources: readonly ResourceDefinition[]): PlainPath[] {
  const groups = groupResources(resources);
  return [
    issuerPath,
    keySetPath,
    versionPath,
    groupListPath,
    ...groups.map(({ group }) => groupPath(group)),
    ...groups.flatMap(({ group, versions }) => versions.map(({ version }) => resourceListPath(group, version))),
  ];
}

/** The group versions that are served. */
export function servedGroupVersions(resources: readonly ResourceDefinition[]): { group: string; version: string }[] {
  return groupResources(resources)
    .flatMap(({ group, versions }) => versions.map(({ version }) => ({ group, version })))
    .sort((a, b) => (formatGroupVersion(a.group, a.version) < formatGroupVersion(b.group, b.version) ? -1 : 1));
}
