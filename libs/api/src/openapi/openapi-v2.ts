import { type ResourceDefinition } from '../resource';
import { type Operation, operationsOf } from './operations';
import { type Parameter } from './parameters';
import { type PathItem, type PlainPath, pathItems, plainPaths, servedGroupVersions } from './paths';
import { type OpenApiObject, builtInDefinitions, definitionObject, reference } from './schema-objects';

/** Definitions of kinds that are not built in, by definition name, as OpenAPI v2 schemas. */
export type CustomDefinitions = Readonly<Record<string, OpenApiObject>>;

/**
 * `GET /openapi/v2`: everything in one document. A pure function and an expensive one (about 4 MB): keep the result until
 * the resources change.
 */
export function openApiV2Document(
  resources: readonly ResourceDefinition[],
  version: string,
  custom: CustomDefinitions = {},
): OpenApiObject {
  const groupVersions = servedGroupVersions(resources);
  const paths: Record<string, OpenApiObject> = {};
  for (const plain of plainPaths(resources)) paths[plain.path] = { get: plainOperation(plain) };
  for (const item of pathItems(resources.flatMap(operationsOf))) paths[item.path] = pathObject(item);
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version },
    paths: sorted(paths),
    definitions: sorted({
      ...Object.fromEntries(
        [...builtInDefinitions().keys()].map((name) => [name, definitionObject('v2', name, groupVersions)]),
      ),
      ...custom,
    }),
    securityDefinitions: {
      BearerToken: {
        description: 'Bearer Token authentication',
        type: 'apiKey',
        name: 'authorization',
        in: 'header',
      },
    },
    security: [{ BearerToken: [] }],
  };
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const unauthorized = { '401': { description: 'Unauthorized' } };

function plainOperation({ description, operationId, tag, media, answer }: PlainPath): OpenApiObject {
  return {
    description,
    consumes: media,
    produces: media,
    schemes: ['https'],
    tags: [tag],
    operationId,
    responses: {
      '200': { description: 'OK', schema: answer === undefined ? { type: 'string' } : reference('v2', answer) },
      ...unauthorized,
    },
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
  const schema = operation.answer === undefined ? { type: 'string' } : reference('v2', operation.answer);
  const parameters = operation.parameters.map(parameterObject);
  if (operation.body !== undefined) {
    parameters.unshift({
      name: 'body',
      in: 'body',
      ...(operation.bodyRequired === true ? { required: true } : {}),
      schema: reference('v2', operation.body),
    });
  }
  return {
    description: operation.description,
    consumes: operation.consumes,
    produces: operation.produces,
    schemes: ['https'],
    tags: [operation.tag],
    operationId: operation.operationId,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: {
      ...Object.fromEntries(operation.statuses.map((status) => [status, { description: statusTexts[status], schema }])),
      ...unauthorized,
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.kind,
  };
}

function parameterObject({ name, in: place, type, description }: Parameter): OpenApiObject {
  return {
    uniqueItems: true,
    type,
    description,
    name,
    in: place,
    ...(place === 'path' ? { required: true } : {}),
  };
}
