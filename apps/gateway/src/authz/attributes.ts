import { type UserInfo } from '../kinds/strategy';
import { type RequestInfo } from '../request/request-info';

/** What somebody wants to do. */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResourceRequest: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** For requests that name no resource. */
  readonly path: string;
}

export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides from local state only, so it is synchronous. */
export interface Authorizer {
  authorize(attributes: Attributes): Verdict;
}

export function attributesOf(user: UserInfo, info: RequestInfo): Attributes {
  return {
    user,
    verb: info.verb,
    isResourceRequest: info.isResourceRequest,
    group: info.group,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
  };
}
