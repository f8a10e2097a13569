/** What a request is about, as upstream's `RequestInfoFactory` tells it from method, path and query. */
export interface RequestInfo {
  /** True for `/api/…` and `/apis/…` paths that name a resource. */
  readonly isResourceRequest: boolean;
  readonly path: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, `proxy`; for other paths the method in lower case. */
  readonly verb: string;
  /** `api` or `apis`. */
  readonly prefix: string;
  readonly group: string;
  readonly version: string;
  /** '' for cluster scope or all namespaces. */
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Path segments from the resource on. */
  readonly parts: readonly string[];
}

/** Segments after a namespace's name that are its subresources rather than resources in it. */
const namespaceSubresources = new Set(['status', 'finalize']);
const specialVerbs = new Set(['proxy', 'watch']);
const methodVerbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * Tells what a request asks for.
 * @param path decoded path without query
 */
export function resolveRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const other: RequestInfo = {
    isResourceRequest: false,
    path,
    verb: method.toLowerCase(),
    prefix: '',
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: [],
  };
  let parts = splitPath(path);
  if (parts.length < 3) return other;
  const prefix = parts[0] ?? '';
  if (prefix !== 'api' && prefix !== 'apis') return other;
  parts = parts.slice(1);
  let group = '';
  if (prefix === 'apis') {
    // /apis/<group>/<version> alone is discovery.
    if (parts.length < 3) return { ...other, prefix };
    group = parts[0] ?? '';
    parts = parts.slice(1);
  }
  const version = parts[0] ?? '';
  parts = parts.slice(1);

  let verb = methodVerbs[method] ?? '';
  const special = parts[0] ?? '';
  if (specialVerbs.has(special)) {
    if (parts.length < 2) return other;
    verb = special;
    parts = parts.slice(1);
  }

  let namespace = '';
  if (parts[0] === 'namespaces') {
    if (parts.length > 1) {
      namespace = parts[1] ?? '';
      // /namespaces/<name>/<not a subresource of namespaces> names something in the namespace.
      if (parts.length > 2 && !namespaceSubresources.has(parts[2] ?? '')) parts = parts.slice(2);
    }
  }
  const resource = parts[0] ?? '';
  let name = parts[1] ?? '';
  const subresource = parts[2] ?? '';

  if (name === '' && verb === 'get') verb = 'list';
  if (verb === 'list' || verb === 'watch') {
    if (verb === 'list' && isTrue(query.get('watch'))) verb = 'watch';
    name = name === '' ? nameFromFieldSelector(query.get('fieldSelector')) : name;
  }
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  return {
    isResourceRequest: true,
    path,
    verb,
    prefix,
    group,
    version,
    namespace,
    resource,
    subresource,
    name,
    parts,
  };
}

/** Go's `strconv.ParseBool` for query parameters, where an unknown word counts as true and an absent one as false. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** A list restricted to one name is authorised as a request for that name (`resourceNames` of RBAC rules). */
function nameFromFieldSelector(selector: string | null): string {
  const match = /(?:^|,)metadata\.name==?([^,=!\\]+)(?:,|$)/.exec(selector ?? '');
  return match?.[1] ?? '';
}

function splitPath(path: string): string[] {
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? [] : trimmed.split('/');
}
