import { type Tags, stringify } from 'yaml';
import {
  ApiError,
  type DeepReadonly,
  type JsonValue,
  type KubernetesObject,
  badRequest,
  goQuote,
  notAcceptable,
} from '#machinery';
import { knownMediaTypes } from '../codec/decode-body';
import { type ServedResource } from '../registry/served-resource';
import { type Representation, negotiate } from '../request/accept';
import { type ApiResult, type ListResult, type ObjectResult, type WatchEvent } from '../request/api-result';
import { VersionedObject } from '../storage/versioned-object';
import { partialObject, tableOf } from './transform';

export interface RenderOptions {
  readonly accept: string | undefined;
  /** The client looks at it itself: indent. */
  readonly pretty: boolean;
  readonly includeObject: string;
  readonly nowMs: number;
}

/** Status, headers and the pieces of the body. */
export interface Rendered {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: readonly (Buffer | string)[];
}

const contentTypes = { json: 'application/json', yaml: 'application/yaml' } as const;

/** Encodes everything but watches. @throws NotAcceptable */
export function render(result: Exclude<ApiResult, { type: 'watch' | 'stream' }>, options: RenderOptions): Rendered {
  if (result.type === 'raw') return { status: result.status, headers: { ...result.headers }, body: [result.body] };
  const form = representation(options.accept, result.resource !== undefined);
  const status = result.type === 'list' ? 200 : result.status;
  const headers = {
    ...(result.type === 'object' ? result.headers : {}),
    'content-type': contentTypes[form.encoding],
  };
  const isPlain = form.as === '' && form.encoding === 'json' && !options.pretty;
  if (isPlain) return { status, headers, body: plainBody(result) };
  return { status, headers, body: [encode(transform(result, form, options), form, options)] };
}

/** The accepted representation. @throws NotAcceptable */
export function representation(accept: string | undefined, transforms: boolean): Representation {
  const form = negotiate(accept, transforms);
  if (form === undefined) throw notAcceptable(knownMediaTypes);
  return form;
}

/** Encodes one event of a watch, one line with its newline. */
export function renderWatchEvent(
  event: WatchEvent,
  resource: ServedResource,
  form: Representation,
  options: RenderOptions,
  isFirst: boolean,
): Buffer {
  const prefix = `{"type":"${event.type}","object":`;
  const { object } = event;
  if (form.as === '' || event.type === 'ERROR') {
    if (object instanceof VersionedObject)
      return Buffer.concat([Buffer.from(prefix + object.head), object.tail, newline]);
    return Buffer.from(`${prefix}${JSON.stringify(object)}}\n`);
  }
  const plain = object instanceof VersionedObject ? object.object : object;
  const transformed =
    form.as === 'Table'
      ? tableOf(resource, event.type === 'BOOKMARK' ? [] : [plain], {
          ...tableOptions(form, options),
          metadata: metadataOf(plain),
          columns: isFirst,
        })
      : partialObject(plain, form.version);
  return Buffer.from(`${prefix}${JSON.stringify(transformed)}}\n`);
}

const newline = Buffer.from('}\n');

function metadataOf(object: DeepReadonly<KubernetesObject>): { resourceVersion?: string } {
  const { resourceVersion } = object.metadata ?? {};
  return resourceVersion === undefined ? {} : { resourceVersion };
}

function plainBody(result: ObjectResult | ListResult): (Buffer | string)[] {
  if (result.type === 'object') {
    return result.stored === undefined
      ? [JSON.stringify(result.object), '\n']
      : [result.stored.head, result.stored.tail, '\n'];
  }
  const { resource, metadata, items } = result;
  const body: (Buffer | string)[] = [
    `{"kind":${JSON.stringify(resource.definition.listKind)},"apiVersion":${JSON.stringify(resource.apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`,
  ];
  items.forEach((item, index) => body.push(index === 0 ? item.itemHead : `,${item.itemHead}`, item.tail));
  body.push(']}\n');
  return body;
}

function transform(result: ObjectResult | ListResult, form: Representation, options: RenderOptions): object {
  const { resource } = result;
  if (form.as === '' || resource === undefined) return wholeObject(result);
  // A Status passes as it is, whatever was asked for.
  if (result.type === 'object' && result.stored === undefined && result.object.kind === 'Status') return result.object;
  const objects = result.type === 'list' ? result.items.map(({ object }) => object) : [result.object];
  const metadata = result.type === 'list' ? result.metadata : metadataOf(result.object);
  switch (form.as) {
    case 'Table':
      return tableOf(resource, objects, { ...tableOptions(form, options), metadata, columns: true });
    case 'PartialObjectMetadata':
      if (result.type === 'list') {
        throw notAcceptableForm(
          `you requested PartialObjectMetadata, but the requested object is a list (*${internalName(resource)}List)`,
        );
      }
      return partialObject(result.object, form.version);
    case 'PartialObjectMetadataList':
      if (result.type !== 'list') {
        throw notAcceptableForm(
          `you requested PartialObjectMetadataList, but the requested object is not a list (*${internalName(resource)})`,
        );
      }
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: `meta.k8s.io/${form.version}`,
        metadata,
        items: objects.map((object) => partialObject(object, form.version)),
      };
  }
}

function wholeObject(result: ObjectResult | ListResult): object {
  if (result.type === 'object') return result.object;
  const { resource, metadata, items } = result;
  return {
    kind: resource.definition.listKind,
    apiVersion: resource.apiVersion,
    metadata,
    items: items.map(({ object }) => {
      const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
      return rest;
    }),
  };
}

/** Go's name of the internal type, as 406 answers show it. */
function internalName(resource: ServedResource): string {
  const { group, kind } = resource.definition;
  return `${group === '' ? 'core' : (group.split('.')[0] ?? group)}.${kind}`;
}

function notAcceptableForm(message: string): ApiError {
  const { status } = notAcceptable([]);
  return new ApiError({ ...status, message });
}

function tableOptions(
  form: Representation,
  { includeObject, nowMs }: RenderOptions,
): { version: 'v1' | 'v1beta1'; includeObject: 'None' | 'Metadata' | 'Object'; nowMs: number } {
  if (!['', 'None', 'Metadata', 'Object'].includes(includeObject)) {
    const detail = `includeObject: Invalid value: ${goQuote(includeObject)}: must be 'Metadata', 'Object', 'None', or empty`;
    throw badRequest(`Unable to convert to Table as requested: ${detail}`);
  }
  const include = includeObject === '' ? 'Metadata' : (includeObject as 'None' | 'Metadata' | 'Object');
  return { version: form.version, includeObject: include, nowMs };
}

function encode(value: object, form: Representation, { pretty }: RenderOptions): string {
  if (form.encoding === 'yaml') return toYaml(value as unknown as JsonValue);
  return `${JSON.stringify(value, undefined, pretty ? 2 : undefined)}\n`;
}

/** YAML as Go's sigs.k8s.io/yaml writes it: keys sorted, sequences not indented, a single dot without quotes. */
function toYaml(value: JsonValue): string {
  return stringify(value, {
    version: '1.1',
    customTags: (tags) => tags.map(exceptDot),
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

/** The library takes `.` for a number of YAML 1.1. */
function exceptDot(tag: Tags[number]): Tags[number] {
  if (typeof tag === 'string' || tag.collection !== undefined || tag.test?.test('.') !== true) return tag;
  return { ...tag, test: new RegExp(`^(?!\\.$)(?:${tag.test.source})`) };
}
