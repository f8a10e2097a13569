import { ApiError, type JsonValue, genericServerResponse, notFound } from '#machinery';
import { type Attributes, type Authorizer, attributesOf } from '../authz/attributes';
import { forbiddenBy } from '../authz/forbidden';
import { type ServedResource } from '../registry/served-resource';
import { type ApiRequest } from '../request/api-request';
import { type ApiResult } from '../request/api-result';
import { type RequestInfo, resolveRequestInfo } from '../request/request-info';
import { type PathHandler } from './paths';
import { type ResourceHandlers, methodNotAllowed } from './resource-handlers';
import { type ResourceTable } from './resource-table';
import { type SubresourceHandler } from './subresources';
import { withWarnings } from './warned-error';

/** What upstream says about old kinds. */
const deprecations: Readonly<Record<string, string>> = {
  'v1/componentstatuses': 'v1 ComponentStatus is deprecated in v1.19+',
  'v1/endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/** Answers requests whose sender is known: authorisation, then the handler for the path and verb. */
export class ApiServer {
  constructor(
    private readonly table: ResourceTable,
    private readonly authorizer: Authorizer,
    private readonly handlers: ResourceHandlers,
    private readonly subresources: ReadonlyMap<string, SubresourceHandler>,
    private readonly paths: PathHandler,
  ) {}

  /** Rejects with `ApiError` for everything that is not a success. */
  async handle(request: ApiRequest): Promise<ApiResult> {
    const info = resolveRequestInfo(request.method, request.path, request.query);
    this.authorize(attributesOf(request.user, info, request.query));
    if (!info.isResourceRequest) return this.paths.handle(request);
    const resource = this.table.find(info.group, info.version, info.resource);
    if (resource === undefined) {
      if (info.resource === '' || !this.table.hasGroupVersion(info.group, info.version)) {
        return this.paths.handle(request);
      }
      throw genericServerResponse(404);
    }
    return this.withDeprecation(resource, () => this.dispatch(request, info, resource));
  }

  /** Answers about deprecated kinds say so. */
  private async withDeprecation(resource: ServedResource, answer: () => Promise<ApiResult>): Promise<ApiResult> {
    const warning = deprecations[`${resource.apiVersion}/${resource.definition.plural}`];
    if (warning === undefined) return answer();
    try {
      const result = await answer();
      return { ...result, warnings: [warning, ...(result.warnings ?? [])] };
    } catch (error) {
      throw isRefusedByRouter(error) ? error : withWarnings(error, [warning]);
    }
  }

  /** @throws Forbidden */
  authorize(attributes: Attributes): void {
    const verdict = this.authorizer.authorize(attributes);
    if (!verdict.allowed) throw forbiddenBy(attributes, verdict.reason);
  }

  private dispatch(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ApiResult> {
    const { definition } = resource;
    const connect =
      info.name === ''
        ? undefined
        : this.subresources.get(`${info.group}/${info.resource}/${info.subresource}`)?.connect;
    if (connect !== undefined) return connect(request, info, resource);
    if (request.method === 'HEAD' || request.method === 'OPTIONS') throw methodNotAllowed();
    if (info.subresource !== '') return this.dispatchSubresource(request, info, resource);
    const isCollection = info.parts.length < 2;
    if (info.verb === '' || !definition.verbs.includes(info.verb as never)) throw methodNotAllowed();
    if (definition.namespaced && info.namespace === '' && !['list', 'watch'].includes(info.verb)) {
      throw isCollection ? methodNotAllowed() : genericServerResponse(404);
    }
    switch (info.verb) {
      case 'get':
        return this.handlers.get(request, info, resource);
      case 'list':
        return this.handlers.list(request, info, resource);
      case 'watch':
        return this.handlers.watch(request, info, resource);
      case 'create': {
        if (!isCollection) throw methodNotAllowed();
        const review = this.subresources.get(`${definition.group}/${definition.plural}`);
        return review?.create?.(request, info, resource) ?? this.handlers.create(request, info, resource);
      }
      case 'update':
        if (isCollection) throw methodNotAllowed();
        return this.handlers.update(request, info, resource);
      case 'patch':
        if (isCollection) throw methodNotAllowed();
        return this.handlers.patch(request, info, resource);
      case 'delete':
        return this.handlers.delete(request, info, resource);
      case 'deletecollection':
        return this.handlers.deleteCollection(request, info, resource);
      default:
        throw methodNotAllowed();
    }
  }

  private dispatchSubresource(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ApiResult> {
    const { definition } = resource;
    const subresource = definition.subresources.find(({ name }) => name === info.subresource);
    if (subresource === undefined) throw genericServerResponse(404);
    const handler =
      this.subresources.get(`${definition.group}/${definition.plural}/${subresource.name}`) ??
      this.subresources.get(`*/${subresource.name}`);
    const answer = callSubresource(handler, request, info, resource);
    if (answer !== undefined) return answer;
    if (!subresource.verbs.includes(info.verb as never)) throw methodNotAllowed();
    // A subresource with the kind of its resource is a view of the same object.
    if (subresource.kind !== definition.kind) throw notFound(resource.groupResource, info.name);
    switch (info.verb) {
      case 'get':
        return this.handlers.get(request, info, resource);
      case 'update':
        return this.handlers.update(request, info, resource);
      case 'patch':
        return this.handlers.patch(request, info, resource);
      default:
        throw methodNotAllowed();
    }
  }
}

/** Upstream's router knows nothing about kinds. */
function isRefusedByRouter(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 405 || error.message === '415: Unsupported Media Type');
}

function callSubresource(
  handler: SubresourceHandler | undefined,
  request: ApiRequest,
  info: RequestInfo,
  resource: ServedResource,
): Promise<ApiResult> | undefined {
  switch (info.verb) {
    case 'get':
    case 'list':
      return handler?.get?.(request, info, resource);
    case 'create':
      return handler?.create?.(request, info, resource);
    case 'update':
      return handler?.update?.(request, info, resource);
    case 'patch':
      return handler?.patch?.(request, info, resource);
    default:
      return undefined;
  }
}

/** What a failed request answers. Anything but an `ApiError` is a defect, and says nothing about itself. */
export function statusOf(error: unknown): { code: number; body: JsonValue } {
  if (error instanceof ApiError) return { code: error.code, body: error.status as unknown as JsonValue };
  const { status } = genericServerResponse(500);
  return { code: 500, body: status as unknown as JsonValue };
}
