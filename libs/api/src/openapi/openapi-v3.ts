import { createHash } from 'node:crypto';
import { definitions } from '../generated/definitions';
import { groupResources } from '../group-order';
import { type ResourceDefinition } from '../resource';
import { type Operation, operationsOf } from './operations';
import { type CustomDefinitions } from './openapi-v2';
import { type Parameter } from './parameters';
import {
  type PathItem,
  type PlainPath,
  groupListPath,
  groupPath,
  issuerPath,
  keySetPath,
  pathItems,
  resourceListPath,
  servedGroupVersions,
  versionPath,
} from './paths';
import { type OpenApiObject, definitionObject, reference, referencesIn } from './schema-objects';

/** What `GET /openapi/v3` answers. */
export interface OpenApiV3Index {
  /** By path without its leading slash: `api/v1`, `apis/apps/v1`. */
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/**
 * `GET /openapi/v3` (KEP-2896): where the documents are. The hash changes with what a document is made of, so that clients
 * may keep documents for ever; computing it does not build them.
 */
export function openApiV3Index(
  resources: readonly ResourceDefinition[],
  custom: CustomDefinitions = {},
): OpenApiV3Index {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const path of documentPaths(resources)) {
    const parts = path.split('/');
    const group = parts[0] === 'api' ? '' : (parts[1] ?? '');
    const version = parts[0] === 'api' ? (parts[1] ?? '') : (parts[2] ?? '');
    const inputs = resources.filter((resource) => resource.group === group && resource.version === version);
    const customInputs = Object.entries(custom).filter(([name]) => name.startsWith(customPrefix(group, version)));
    const hash = createHash('sha256')
      .update(baseDigest())
      .update(JSON.stringify([path, inputs, customInputs]))
      .digest('hex')
      .toUpperCase();
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return { paths };
}

function documentPaths(resources: readonly ResourceDefinition[]): string[] {
  const paths = ['.well-known/openid-configuration', 'apis', 'openid/v1/jwks', 'version'];
  for (const { group, versions } of groupResources(resources)) {
    const base = group === '' ? 'api' : `apis/${group}`;
    paths.push(base, ...versions.map(({ version }) => `${base}/${version}`));
  }
  return paths.sort();
}

function customPrefix(group: string, version: string): string {
  return `${[...group.split('.').reverse(), version].join('.')}.`;
}

let digest: Buffer | undefined;

function baseDigest(): Buffer {
  return (digest ??= createHash('sha256').update(definitions).digest());
}

/**
 * One document of the index by its path (`apis/apps/v1`), or undefined if there is none. Building one takes 10 to 50 ms:
 * keep the result until the index shows another hash.
 */
export function openApiV3Document(
  resources: readonly ResourceDefinition[],
  path: string,
  version: string,
  custom: CustomDefinitions = {},
): OpenApiObject | undefined {
  const paths = pathsOf(resources, path);
  if (paths === undefined) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version },
    paths,
    components: {
      schemas: reachableDefinitions(paths, servedGroupVersions(resources), custom),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

const singlePaths: Readonly<Record<string, PlainPath>> = {
  '.well-known/openid-configuration': issuerPath,
  apis: groupListPath,
  'openid/v1/jwks': keySetPath,
  version: versionPath,
};

function pathsOf(resources: readonly ResourceDefinition[], path: string): Record<string, OpenApiObject> | undefined {
  const plain = (one: PlainPath): Record<string, OpenApiObject> => ({ [one.path]: { get: plainOperation(one) } });
  const single = singlePaths[path];
  if (single !== undefined) return plain(single);
  for (const { group, versions } of groupResources(resources)) {
    const base = group === '' ? 'api' : `apis/${group}`;
    if (path === base) return plain(groupPath(group));
    for (const { version, resources: list } of versions) {
      if (path !== `${base}/${version}`) continue;
      return {
        ...plain(resourceListPath(group, version)),
        ...Object.fromEntries(pathItems(list.flatMap(operationsOf)).map((item) => [item.path, pathObject(item)])),
      };
    }
  }
  return undefined;
}

function reachableDefinitions(
  paths: Record<string, OpenApiObject>,
  groupVersions: readonly { readonly group: string; readonly version: string }[],
  custom: CustomDefinitions,
): Record<string, OpenApiObject> {
  const found = new Map<string, OpenApiObject>();
  const pending = [...referencesIn(paths, 'v3')];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.has(name)) continue;
    // A kind whose schema nobody gave is an object of which nothing is known.
    const object = custom[name] ?? definitionObject('v3', name, groupVersions) ?? { type: 'object' };
    found.set(name, object);
    pending.push(...referencesIn(object, 'v3'));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const unauthorized = { '401': { description: 'Unauthorized' } };

function content(media: readonly string[], definition: string | undefined): OpenApiObject {
  const schema = definition === undefined ? { type: 'string' } : reference('v3', definition);
  return Object.fromEntries(media.map((type) => [type, { schema }]));
}

function plainOperation({ description, operationId, tag, media, answer }: PlainPath): OpenApiObject {
  return {
    tags: [tag],
    description,
    operationId,
    responses: { '200': { description: 'OK', content: content(media, answer) }, ...unauthorized },
  };
}

function pathObject({ shared, operations }: PathItem): OpenApiObject {
  return {
    ...Object.fromEntries(operations.map((operation) => [operation.method, operationObject(operation)])),
    ...(shared.length === 0 ? {} : { parameters: shared.map(parameterObject) }),
  };
}

const statusTexts = { '200': 'OK', '201': 'Created', '202': 'Accepted' } as const;

function operationObject(operation: Operation): OpenApiObject {
  const { tag, description, operationId, parameters, body, consumes, produces, answer, statuses } = operation;
  return {
    tags: [tag],
    description,
    operationId,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameterObject) }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: content(consumes, body),
            ...(operation.bodyRequired === true ? { required: true } : {}),
          },
        }),
    responses: {
      ...Object.fromEntries(
        statuses.map((status) => [status, { description: statusTexts[status], content: content(produces, answer) }]),
      ),
      ...unauthorized,
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.kind,
  };
}

function parameterObject({ name, in: place, type, description }: Parameter): OpenApiObject {
  return {
    name,
    in: place,
    description,
    ...(place === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}
