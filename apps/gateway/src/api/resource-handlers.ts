import {
  ApiError,
  type Clock,
  type JsonValue,
  type KubernetesObject,
  badRequest,
  decodeBody as decodeText,
  genericServerResponse,
  goQuote,
} from '#machinery';
import { deleteAnswersObject, schemaFor } from '#api';
import { type CacheFeed } from '../cache/cache-feed';
import { decodeBody, decodeObject, decodeProtobufOptions, mediaTypeOf, protobufMediaType } from '../codec/decode-body';
import { type DeleteOptions, validateDeleteOptions } from '../registry/deletion';
import { type Freshness } from '../registry/freshness';
import { recordUpdate } from '../registry/ownership';
import { uidMismatch } from '../registry/preconditions';
import { type Reader } from '../registry/reader';
import { parseSelection } from '../registry/selection';
import { type ServedResource } from '../registry/served-resource';
import { Watcher } from '../registry/watcher';
import { type WriteContext, managerFromUserAgent } from '../registry/write-context';
import { type UpdateSource, type Writer } from '../registry/writer';
import { type ApiRequest } from '../request/api-request';
import { type ApiResult, type ListResult, type ObjectResult, type WatchResult } from '../request/api-result';
import { parseListOptions, parseRevision, parseWriteOptions, type WriteOptions } from '../request/options';
import { isTrue, type RequestInfo } from '../request/request-info';
import { type VersionedObject } from '../storage/versioned-object';
import { type Patcher } from './patcher';
import { failWith } from './warned-error';
import { checkName, checkNamespace, expectedOf } from './request-checks';

/** Watches without `timeoutSeconds` last between this and twice this, so that they do not all end together. */
const minimumWatchSeconds = 1800;

/** What every handler needs of the server. */
export interface HandlerDependencies {
  readonly feed: CacheFeed;
  readonly freshness: Freshness;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly patcher: Patcher;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The verbs on objects of any resource. */
export class ResourceHandlers {
  constructor(private readonly deps: HandlerDependencies) {}

  async get(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ApiResult> {
    const resourceVersion = request.query.get('resourceVersion') ?? '';
    const found = await this.deps.reader.get(resource, info.namespace, nameOf(info, resource), resourceVersion);
    return objectResult(200, found, resource);
  }

  async list(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ListResult> {
    const options = parseListOptions(request.query, false);
    const page = await this.deps.reader.list(resource, info.namespace, options);
    return { type: 'list', resource, ...page };
  }

  async watch(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<WatchResult> {
    const { feed, freshness, clock, random } = this.deps;
    const options = parseListOptions(request.query, true);
    const name = info.parts[1] ?? '';
    const isCollection = name === '' || (info.parts[0] === 'namespaces' && resource.definition.plural !== 'namespaces');
    const selection = parseSelection(resource, options.labelSelector, options.fieldSelector, isCollection ? '' : name);
    const revision = parseRevision(options.resourceVersion, 'other');
    const withInitialState = options.sendInitialEvents ?? revision === 0;
    if (options.resourceVersion === '' && withInitialState) await freshness.latest();
    else if (withInitialState) await freshness.atLeast(revision);
    const seconds = options.timeoutSeconds ?? 0;
    const timeoutMs = (seconds > 0 ? seconds : minimumWatchSeconds * (1 + random())) * 1000;
    const plan = {
      resource,
      keyPrefix: resource.keyPrefix(info.namespace),
      selection,
      withInitialState,
      withInitialEventsEnd: options.sendInitialEvents === true && options.allowWatchBookmarks,
      after: revision,
      bookmarks: options.allowWatchBookmarks,
      timeoutMs,
    };
    return {
      type: 'watch',
      resource,
      start: (sink) => new Watcher(plan, sink, clock, () => feed.revision).start(),
    };
  }

  async create(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ObjectResult> {
    const options = parseWriteOptions(request.query, 'CreateOptions');
    const { context, warnings } = this.context(request, info, options, '');
    const object = await this.decode(request, resource, options, context);
    const created = await this.deps.writer.create(resource, object, context).catch(failWith(warnings));
    return objectResult(201, created, resource, warnings);
  }

  async update(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ObjectResult> {
    const options = parseWriteOptions(request.query, 'UpdateOptions');
    const name = nameOf(info, resource);
    const { context, warnings } = this.context(request, info, options, name);
    const first = await this.decode(request, resource, options, context);
    checkName(first, name);
    checkNamespace(first, resource, info.namespace);
    let attempts = 0;
    const source: UpdateSource = {
      next: async (old) => {
        // Admission and strategies change what they get, so a second attempt starts from the body again.
        const next = attempts++ === 0 ? first : await this.decode(request, resource, options, context);
        checkNamespace(next, resource, info.namespace);
        const { uid = '' } = next.metadata ?? {};
        if (old !== undefined && uid !== '' && uid !== old.metadata?.uid) throw uidMismatch(resource, old, uid);
        recordUpdate(resource, next, old, context, this.deps.clock.now());
        return next;
      },
    };
    const outcome = await this.deps.writer.update(resource, name, source, context).catch(failWith(warnings));
    return objectResult(outcome.created ? 201 : 200, outcome.object, resource, warnings);
  }

  async patch(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ObjectResult> {
    const mediaType = mediaTypeOf(request);
    const isApply = mediaType === 'application/apply-patch+yaml';
    const options = parseWriteOptions(request.query, 'PatchOptions', isApply);
    const name = nameOf(info, resource);
    const { context, warnings } = this.context(request, info, options, name);
    const source = await this.deps.patcher.source(request, resource, context, mediaType);
    const outcome = await this.deps.writer.update(resource, name, source, context).catch(failWith(warnings));
    return objectResult(outcome.created ? 201 : 200, outcome.object, resource, warnings);
  }

  async delete(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ApiResult> {
    const options = await decodeDeleteOptions(request, resource);
    const name = nameOf(info, resource);
    const { context, warnings } = this.context(request, info, writeOptionsOf(options), name);
    for (const warning of deletionWarnings(resource, options)) context.warn(warning);
    const outcome = this.deps.writer.delete(resource, name, options, context);
    const { object, removed } = await outcome.catch(failWith(warnings));
    if (!removed || (resource.strategy.returnsDeletedObject ?? deleteAnswersObject(resource.definition))) {
      const isPendingCascade = !removed && options.orphanDependents === false;
      return objectResult(isPendingCascade ? 202 : 200, object, resource, warnings);
    }
    return { type: 'object', status: 200, object: deletedStatus(resource, object), warnings };
  }

  /** Deletes what a list selects; answers with the list as it was. */
  async deleteCollection(request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ListResult> {
    const listOptions = parseListOptions(request.query, false);
    const options = await decodeDeleteOptions(request, resource);
    const page = await this.deps.reader.list(resource, info.namespace, listOptions);
    const warnings = [...deletionWarnings(resource, options)];
    for (const { object } of page.items) {
      const { name = '', namespace = '' } = object.metadata ?? {};
      const one = this.context(request, { ...info, namespace }, writeOptionsOf(options), name);
      try {
        await this.deps.writer.delete(resource, name, options, one.context);
      } catch (error) {
        if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
      }
      warnings.push(...one.warnings);
    }
    return { type: 'list', resource, ...page, warnings };
  }

  /** The write context of a request, and where its warnings gather. */
  context(
    request: ApiRequest,
    info: RequestInfo,
    options: WriteOptions,
    name: string,
  ): { context: WriteContext; warnings: string[] } {
    const warnings: string[] = [];
    const manager =
      options.fieldManager === '' ? managerFromUserAgent(request.header('user-agent') ?? '') : options.fieldManager;
    const context: WriteContext = {
      user: request.user,
      namespace: info.namespace,
      name,
      subresource: info.subresource,
      options,
      manager,
      fence: request.fence,
      warn: (message) => {
        if (!warnings.includes(message)) warnings.push(message);
      },
    };
    return { context, warnings };
  }

  private async decode(
    request: ApiRequest,
    resource: ServedResource,
    options: WriteOptions,
    context: WriteContext,
  ): Promise<KubernetesObject> {
    const object = await decodeBody(request, expectedOf(resource), options.fieldValidation, (message) =>
      context.warn(message),
    );
    resource.strategy.setDefaults?.(object);
    return object;
  }
}

export function objectResult(
  status: number,
  object: VersionedObject,
  resource: ServedResource,
  warnings: readonly string[] = [],
): ObjectResult {
  return { type: 'object', status, object: object.object, stored: object, resource, warnings };
}

/** The name in the path; for namespaces the parser reports it as namespace too. */
export function nameOf(info: RequestInfo, _resource: ServedResource): string {
  return info.name;
}

/** Options from the body, else from the query. */
async function decodeDeleteOptions(request: ApiRequest, resource: ServedResource): Promise<DeleteOptions> {
  const schema = schemaFor('', 'v1', 'DeleteOptions');
  const { value } = request.body;
  let options: DeleteOptions;
  const bytes = value === undefined ? await request.body.bytes() : undefined;
  if (value !== undefined) {
    const expected = { group: '', version: 'v1', kind: 'DeleteOptions', schema };
    options = decodeObject(value as unknown as JsonValue, expected, 'Ignore', () => undefined) as DeleteOptions;
  } else if (bytes !== undefined && bytes.length > 0 && mediaTypeOf(request) === protobufMediaType) {
    options = decodeProtobufOptions(bytes, 'DeleteOptions', schema) as DeleteOptions;
  } else if (bytes !== undefined && bytes.length > 0) {
    const { group, version } = resource.definition;
    try {
      options = decodeText(bytes.toString('utf8'), {
        format: mediaTypeOf(request) === 'application/yaml' ? 'yaml' : 'json',
        expected: { group, version, kind: 'DeleteOptions' },
        schemaOf: ({ kind }) => (kind === 'DeleteOptions' ? schema : undefined),
        fieldValidation: 'Ignore',
      }).object as DeleteOptions;
    } catch (error) {
      // Upstream does not wrap the decoder's complaint here.
      const text = error instanceof ApiError ? /\): (.*) \([^()]*\)$/s.exec(error.message)?.[1] : undefined;
      throw text === undefined ? error : badRequest(text);
    }
  } else {
    options = deleteOptionsFromQuery(request.query);
  }
  validateDeleteOptions(options);
  return options;
}

function deleteOptionsFromQuery(query: URLSearchParams): DeleteOptions {
  const grace = query.get('gracePeriodSeconds');
  if (grace !== null && !/^-?\d+$/.test(grace)) {
    throw badRequest(`strconv.ParseInt: parsing ${goQuote(grace)}: invalid syntax`);
  }
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  const dryRun = query.getAll('dryRun');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

function writeOptionsOf(options: DeleteOptions): WriteOptions {
  return {
    dryRun: (options.dryRun ?? []).length > 0,
    fieldManager: '',
    fieldValidation: 'Ignore',
    force: undefined,
  };
}

function deletedStatus(resource: ServedResource, { object }: VersionedObject): KubernetesObject {
  const { group, plural } = resource.definition;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata?.name,
      ...(group === '' ? {} : { group }),
      kind: plural,
      uid: object.metadata?.uid,
    },
  } as KubernetesObject;
}

export function methodNotAllowed(): ApiError {
  return genericServerResponse(405);
}

function deletionWarnings({ strategy }: ServedResource, options: DeleteOptions): readonly string[] {
  const namesPolicy = options.propagationPolicy !== undefined || options.orphanDependents !== undefined;
  return strategy.warningsOnDelete?.(namesPolicy) ?? [];
}
