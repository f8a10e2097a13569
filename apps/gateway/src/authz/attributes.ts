import { type FieldRequirement, SelectorError, parseFieldSelector } from '#machinery';
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
  /** What a list, watch or deletecollection restricts itself to (KEP-4601); absent if to nothing, or to what cannot be read. */
  readonly fieldSelector?: readonly FieldRequirement[];
}

export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides from local state only, so it is synchronous. */
export interface Authorizer {
  authorize(attributes: Attributes): Verdict;
}

const verbsOnMany = new Set(['list', 'watch', 'deletecollection']);

export function attributesOf(user: UserInfo, info: RequestInfo, query: URLSearchParams): Attributes {
  const fieldSelector = verbsOnMany.has(info.verb) ? selectorOf(query.get('fieldSelector')) : undefined;
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
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

/** A selector that does not parse restricts nothing here; the handler refuses it. */
function selectorOf(text: string | null): readonly FieldRequirement[] | undefined {
  if (text === null || text === '') return undefined;
  try {
    return parseFieldSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}
