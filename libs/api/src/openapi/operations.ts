import { type ResourceDefinition, type SubresourceDefinition, formatGroupVersion } from '../resource';
import { definitionName, metaPackage } from '../schemas';
import {
  type Parameter,
  deleteCollectionParameters,
  deleteParameters,
  listParameters,
  logParameters,
  nameParameter,
  namespaceParameter,
  optionsParameters,
  patchParameters,
  pretty,
  proxyPathParameter,
  writeParameters,
} from './parameters';

export type HttpMethod = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What both versions of OpenAPI are written from. */
export interface Operation {
  readonly path: string;
  readonly method: HttpMethod;
  /** `x-kubernetes-action`. */
  readonly action: string;
  readonly operationId: string;
  readonly description: string;
  readonly tag: string;
  readonly kind: GroupVersionKind;
  readonly parameters: readonly Parameter[];
  /** Definition of the body; absent for none. */
  readonly body?: string;
  readonly bodyRequired?: boolean;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Definition of the answer; absent for text and streams. */
  readonly answer?: string;
  /** Status codes that carry the answer. */
  readonly statuses: readonly ('200' | '201' | '202')[];
}

const anyMedia: readonly string[] = ['*/*'];
const media: readonly string[] = ['application/json', 'application/yaml'];
const watchMedia: readonly string[] = [...media, 'application/json;stream=watch'];
const patchMedia: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const meta = (kind: string): string => `${metaPackage}.${kind}`;

/** Kinds of custom resources are named after their group in reverse, as upstream does: `com.example.v1.Widget`. */
export function openApiDefinitionName({ group, version, kind }: GroupVersionKind): string {
  return definitionName(group, version, kind) ?? [...group.split('.').reverse(), version, kind].join('.');
}

/** `rbac.authorization.k8s.io` is `RbacAuthorization` in operation ids and `rbacAuthorization` in tags. */
export function groupIdentifier(group: string): string {
  if (group === '') return 'Core';
  return group
    .replace(/\.k8s\.io$/, '')
    .split(/[.-]/)
    .map(capitalize)
    .join('');
}

export function groupTag(group: string): string {
  const identifier = groupIdentifier(group);
  return identifier.charAt(0).toLowerCase() + identifier.slice(1);
}

/** `/api/v1` or `/apis/<group>/<version>`. */
export function groupVersionPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${formatGroupVersion(group, version)}`;
}

/**
 * Resources whose DELETE answers with the object; the others answer with a Status (unless the object stays for a while,
 * when it is the object in any case).
 */
const answersDeletedObject: ReadonlySet<string> = new Set([
  '/persistentvolumeclaims',
  '/persistentvolumes',
  '/pods',
  '/podtemplates',
  '/resourcequotas',
  '/serviceaccounts',
  '/services',
  'resource.k8s.io/deviceclasses',
  'resource.k8s.io/resourceclaims',
  'resource.k8s.io/resourceclaimtemplates',
  'resource.k8s.io/resourceslices',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/volumeattachments',
  'storage.k8s.io/volumeattributesclasses',
]);

export function deleteAnswersObject(resource: ResourceDefinition): boolean {
  return answersDeletedObject.has(`${resource.group}/${resource.plural}`);
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Every operation on a resource and its subresources. */
export function operationsOf(resource: ResourceDefinition): Operation[] {
  return [
    ...collectionOperations(resource),
    ...objectOperations(resource),
    ...resource.subresources.flatMap((subresource) => subresourceOperations(resource, subresource)),
    ...deprecatedWatches(resource),
  ];
}

interface Naming {
  readonly base: string;
  readonly scope: string;
  readonly collection: string;
  readonly scopeParameters: readonly Parameter[];
  readonly common: Pick<Operation, 'tag' | 'kind' | 'consumes' | 'produces' | 'statuses'>;
  readonly definition: string;
  readonly id: string;
}

function namingOf(resource: ResourceDefinition): Naming {
  const { group, version, kind, plural, namespaced } = resource;
  const base = groupVersionPath(group, version);
  return {
    base,
    scope: namespaced ? 'Namespaced' : '',
    collection: namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`,
    scopeParameters: namespaced ? [namespaceParameter, pretty] : [pretty],
    common: {
      tag: `${groupTag(group)}_${version}`,
      kind: { group, version, kind },
      consumes: anyMedia,
      produces: media,
      statuses: ['200'],
    },
    definition: openApiDefinitionName(resource),
    id: `${groupIdentifier(group)}${capitalize(version)}`,
  };
}

function collectionOperations(resource: ResourceDefinition): Operation[] {
  const { kind, verbs, namespaced } = resource;
  const { base, scope, collection, scopeParameters, common, definition, id } = namingOf(resource);
  const operations: Operation[] = [];
  const watchable = verbs.includes('watch');
  const list: Omit<Operation, 'path' | 'operationId' | 'parameters'> = {
    ...common,
    method: 'get',
    action: 'list',
    description: `${watchable ? 'list or watch' : 'list'} objects of kind ${kind}`,
    produces: watchMedia,
    answer: openApiDefinitionName({ ...common.kind, kind: resource.listKind }),
  };
  if (verbs.includes('list')) {
    operations.push({
      ...list,
      path: collection,
      operationId: `list${id}${scope}${kind}`,
      parameters: [...listParameters, ...scopeParameters],
    });
    if (namespaced) {
      operations.push({
        ...list,
        path: `${base}/${resource.plural}`,
        operationId: `list${id}${kind}ForAllNamespaces`,
        parameters: [...listParameters, pretty],
      });
    }
  }
  if (verbs.includes('create')) {
    operations.push({
      ...common,
      path: collection,
      method: 'post',
      action: 'post',
      operationId: `create${id}${scope}${kind}`,
      description: `create ${withArticle(kind)}`,
      parameters: [...writeParameters, ...scopeParameters],
      body: definition,
      bodyRequired: true,
      answer: definition,
      statuses: ['200', '201', '202'],
    });
  }
  if (verbs.includes('deletecollection')) {
    operations.push({
      ...common,
      path: collection,
      method: 'delete',
      action: 'deletecollection',
      operationId: `delete${id}Collection${scope}${kind}`,
      description: `delete collection of ${kind}`,
      parameters: [...deleteCollectionParameters, ...scopeParameters],
      body: meta('DeleteOptions'),
      answer: meta('Status'),
    });
  }
  return operations;
}

function objectOperations(resource: ResourceDefinition): Operation[] {
  const { kind, verbs } = resource;
  const { scope, collection, scopeParameters, common, definition, id } = namingOf(resource);
  const path = `${collection}/{name}`;
  const parameters = [nameParameter(kind), ...scopeParameters];
  const operations = modifyingOperations(resource, path, verbs, {
    ...common,
    suffix: `${scope}${kind}`,
    what: `the specified ${kind}`,
    definition,
    id,
    parameters,
  });
  if (verbs.includes('delete')) {
    operations.push({
      ...common,
      path,
      method: 'delete',
      action: 'delete',
      operationId: `delete${id}${scope}${kind}`,
      description: `delete ${withArticle(kind)}`,
      parameters: [...deleteParameters, ...parameters],
      body: meta('DeleteOptions'),
      answer: deleteAnswersObject(resource) ? definition : meta('Status'),
      statuses: ['200', '202'],
    });
  }
  return operations;
}

type Modifying = Pick<Operation, 'tag' | 'kind' | 'consumes' | 'produces' | 'statuses' | 'parameters'> & {
  readonly suffix: string;
  readonly what: string;
  readonly definition: string;
  readonly id: string;
};

/** GET, PUT and PATCH of an object or of a subresource that is one. */
function modifyingOperations(
  resource: ResourceDefinition,
  path: string,
  verbs: readonly string[],
  { suffix, what, definition, id, parameters, ...common }: Modifying,
): Operation[] {
  const operations: Operation[] = [];
  if (verbs.includes('get')) {
    operations.push({
      ...common,
      path,
      method: 'get',
      action: 'get',
      operationId: `read${id}${suffix}`,
      description: `read ${what}`,
      parameters,
      answer: definition,
    });
  }
  const written: Pick<Operation, 'answer' | 'statuses' | 'bodyRequired'> = {
    answer: definition,
    statuses: ['200', '201'],
    bodyRequired: true,
  };
  if (verbs.includes('update')) {
    operations.push({
      ...common,
      ...written,
      path,
      method: 'put',
      action: 'put',
      operationId: `replace${id}${suffix}`,
      description: `replace ${what}`,
      parameters: [...writeParameters, ...parameters],
      body: definition,
    });
  }
  if (verbs.includes('patch')) {
    const builtIn = definitionName(resource.group, resource.version, resource.kind) !== undefined;
    operations.push({
      ...common,
      ...written,
      path,
      method: 'patch',
      action: 'patch',
      operationId: `patch${id}${suffix}`,
      description: `partially update ${what}`,
      parameters: [...patchParameters, ...parameters],
      body: meta('Patch'),
      // Custom resources have no merge keys, hence no strategic merge.
      consumes: builtIn ? patchMedia : patchMedia.filter((type) => !type.includes('strategic')),
    });
  }
  return operations;
}

function subresourceOperations(resource: ResourceDefinition, subresource: SubresourceDefinition): Operation[] {
  const { scope, collection, scopeParameters, common, id } = namingOf(resource);
  const path = `${collection}/{name}/${subresource.name}`;
  const suffix = `${scope}${resource.kind}${capitalize(subresource.name)}`;
  const kind: GroupVersionKind = {
    group: subresource.group ?? resource.group,
    version: subresource.version ?? resource.version,
    kind: subresource.kind,
  };
  const options = optionsParameters[subresource.kind];
  if (options !== undefined) return connectOperations(resource, subresource, options);

  const definition = openApiDefinitionName(kind);
  const parameters = [nameParameter(subresource.kind), ...scopeParameters];
  if (subresource.name === 'log') {
    return [
      {
        ...common,
        path,
        method: 'get',
        action: 'get',
        operationId: `read${id}${suffix}`,
        description: `read log of the specified ${resource.kind}`,
        parameters: [...logParameters, ...parameters],
        produces: ['text/plain', ...media],
      },
    ];
  }
  if (subresource.verbs.includes('create')) {
    return [
      {
        ...common,
        kind,
        path,
        method: 'post',
        action: 'post',
        operationId: `create${id}${suffix}`,
        description: `create ${subresource.name} of ${withArticle(resource.kind)}`,
        parameters: [...writeParameters, ...parameters],
        body: definition,
        bodyRequired: true,
        answer: definition,
        statuses: ['200', '201', '202'],
      },
    ];
  }
  const what = `${subresource.name} of the specified ${resource.kind}`;
  return modifyingOperations(resource, path, subresource.verbs, {
    ...common,
    kind,
    suffix,
    what,
    definition,
    id,
    parameters,
  });
}

const streamMethods: readonly HttpMethod[] = ['get', 'post'];
const proxyMethods: readonly HttpMethod[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];

/** Subresources whose body is a stream: exec, attach, port forward, proxies. */
function connectOperations(
  resource: ResourceDefinition,
  subresource: SubresourceDefinition,
  options: readonly Parameter[],
): Operation[] {
  const { scope, collection, common, id } = namingOf(resource);
  const isProxy = subresource.name === 'proxy';
  const operations: Operation[] = [];
  for (const withPath of isProxy ? [false, true] : [false]) {
    for (const method of isProxy ? proxyMethods : streamMethods) {
      operations.push({
        ...common,
        kind: { ...common.kind, kind: subresource.kind },
        path: `${collection}/{name}/${subresource.name}${withPath ? '/{path}' : ''}`,
        method,
        action: 'connect',
        operationId: `connect${id}${capitalize(method)}${scope}${resource.kind}${capitalize(subresource.name)}${withPath ? 'WithPath' : ''}`,
        description: `connect ${method.toUpperCase()} requests to ${subresource.name} of ${resource.kind}`,
        parameters: [
          ...options,
          nameParameter(subresource.kind),
          ...(resource.namespaced ? [namespaceParameter] : []),
          ...(withPath ? [proxyPathParameter] : []),
        ],
        produces: anyMedia,
      });
    }
  }
  return operations;
}

/** `/watch/…`, deprecated since 1.11 and still served. */
function deprecatedWatches(resource: ResourceDefinition): Operation[] {
  if (
    !resource.verbs.includes('watch') ||
    definitionName(resource.group, resource.version, resource.kind) === undefined
  ) {
    return [];
  }
  const { kind, plural, namespaced } = resource;
  const { base, scope, scopeParameters, common, id } = namingOf(resource);
  const collection = namespaced ? `${base}/watch/namespaces/{namespace}/${plural}` : `${base}/watch/${plural}`;
  const watch: Omit<Operation, 'path' | 'operationId' | 'parameters' | 'action' | 'description'> = {
    ...common,
    method: 'get',
    produces: watchMedia,
    answer: meta('WatchEvent'),
  };
  const list = {
    ...watch,
    action: 'watchlist',
    description: `watch individual changes to a list of ${kind}. deprecated: use the 'watch' parameter with a list operation instead.`,
  };
  const operations: Operation[] = [
    {
      ...list,
      path: collection,
      operationId: `watch${id}${scope}${kind}List`,
      parameters: [...listParameters, ...scopeParameters],
    },
    {
      ...watch,
      action: 'watch',
      description: `watch changes to an object of kind ${kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`,
      path: `${collection}/{name}`,
      operationId: `watch${id}${scope}${kind}`,
      parameters: [...listParameters, nameParameter(kind), ...scopeParameters],
    },
  ];
  if (namespaced) {
    operations.push({
      ...list,
      path: `${base}/watch/${plural}`,
      operationId: `watch${id}${kind}ListForAllNamespaces`,
      parameters: [...listParameters, pretty],
    });
  }
  return operations;
}

function withArticle(kind: string): string {
  if (kind === 'Endpoints') return kind;
  return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
