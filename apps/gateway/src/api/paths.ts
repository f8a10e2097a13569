import {
  aggregatedDiscoveryDocument,
  aggregatedDiscoveryMediaType,
  apiGroupDocument,
  apiGroupListDocument,
  apiResourceListDocument,
  apiVersionsDocument,
} from '#api';
import { ApiError, genericServerResponse, notAcceptable } from '#machinery';
import { knownMediaTypes } from '../codec/decode-body';
import { acceptClauses } from '../request/accept';
import { type ApiRequest } from '../request/api-request';
import { type ApiResult, type RawResult, textResult } from '../request/api-result';
import { type ResourceTable } from './resource-table';

/** Answers one path outside the resources, or undefined if it is not its own. */
export type PathRoute = (request: ApiRequest) => ApiResult | undefined | Promise<ApiResult | undefined>;

/** Everything that is not about objects: discovery, OpenAPI, version, health, metrics. */
export class PathHandler {
  constructor(private readonly routes: readonly PathRoute[]) {}

  async handle(request: ApiRequest): Promise<ApiResult> {
    for (const route of this.routes) {
      const answer = await route(request);
      if (answer !== undefined) return answer;
    }
    return textResult(404, '404 page not found\n');
  }
}

/** Legacy and aggregated discovery. */
export function discoveryRoute(table: ResourceTable, serverAddress: () => string): PathRoute {
  const aggregated = new Map<string, RawResult>();
  return (request) => {
    const path = request.path.replace(/\/+$/, '');
    if (!/^\/apis?(\/|$)/.test(path)) return undefined;
    const [, prefix = '', ...parts] = path.split('/');
    let document: object | undefined;
    if (parts.length === 0) {
      const format = discoveryFormat(request.header('accept'));
      if (format === 'aggregated') {
        let answer = aggregated.get(prefix);
        if (answer === undefined) {
          const body = aggregatedDiscoveryDocument(table.definitions, prefix as 'api' | 'apis');
          answer = rawJson(body, aggregatedDiscoveryMediaType);
          aggregated.set(prefix, answer);
        }
        return request.method === 'GET' ? answer : refuseMethod();
      }
      document = prefix === 'api' ? apiVersionsDocument(serverAddress()) : apiGroupListDocument(table.definitions);
    } else if (prefix === 'api' && parts.length === 1) {
      document = apiResourceListDocument(table.definitions, '', parts[0] ?? '');
    } else if (prefix === 'apis' && parts.length === 1) {
      document = apiGroupDocument(table.definitions, parts[0] ?? '');
    } else if (prefix === 'apis' && parts.length === 2) {
      document = apiResourceListDocument(table.definitions, parts[0] ?? '', parts[1] ?? '');
    }
    if (document === undefined) {
      // Paths of a group that exists are its server's to refuse.
      if (prefix === 'apis' && table.hasGroup(parts[0] ?? '')) throw genericServerResponse(404);
      return undefined;
    }
    return request.method === 'GET' ? objectDocument(document) : refuseMethod();
  };
}

/** A document that can be had as JSON or YAML, like any object. */
export function objectDocument(document: object): ApiResult {
  return { type: 'object', status: 200, object: document };
}

function refuseMethod(): never {
  throw genericServerResponse(405);
}

function rawJson(value: object, contentType: string): RawResult {
  return {
    type: 'raw',
    status: 200,
    headers: { 'content-type': contentType },
    body: Buffer.from(JSON.stringify(value)),
  };
}

/** @throws NotAcceptable */
function discoveryFormat(accept: string | undefined): 'legacy' | 'aggregated' {
  if (accept === undefined || accept === '') return 'legacy';
  for (const { type, parameters } of acceptClauses(accept)) {
    const as = parameters.get('as');
    if (type === 'application/json' && as === 'APIGroupDiscoveryList') {
      if (parameters.get('g') === 'apidiscovery.k8s.io' && parameters.get('v') === 'v2') return 'aggregated';
      throw notAcceptable(knownMediaTypes);
    }
    if (['application/json', 'application/yaml', 'application/*', '*/*'].includes(type)) return 'legacy';
  }
  const { status } = genericServerResponse(406);
  throw new ApiError({
    ...status,
    message: `406: Not Acceptable\n\nAvailable representations: ${knownMediaTypes.join(', ')}`,
  });
}
