import { type ServedResource } from '../registry/served-resource';
import { type ApiRequest } from '../request/api-request';
import { type ApiResult } from '../request/api-result';
import { type RequestInfo } from '../request/request-info';

type Handler = (request: ApiRequest, info: RequestInfo, resource: ServedResource) => Promise<ApiResult>;

/**
 * A resource or subresource that is not simply an object in the store: reviews, scale, binding … Verbs that are missing
 * fall back to the generic handlers if the kinds agree, else to 405.
 */
export interface SubresourceHandler {
  readonly get?: Handler;
  readonly create?: Handler;
  readonly update?: Handler;
  readonly patch?: Handler;
  /** Takes requests of any method, and paths that go on behind the subresource. */
  readonly connect?: Handler;
}
