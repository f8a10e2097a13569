import {
  ApiError,
  type DeepReadonly,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  type KubernetesObject,
  type ParsedText,
  type StructSchema,
  YamlSyntaxError,
  applyConfiguration,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  copyJson,
  field,
  invalid,
  formatKind,
  genericServerResponse,
  goValue,
  isObject,
  kindOf,
  notFound,
  parseJson,
  parseYaml,
  strictText,
} from '#machinery';
import { decodeObject } from '../codec/decode-body';
import { ownershipContext, recordUpdate } from '../registry/ownership';
import { type ServedResource } from '../registry/served-resource';
import { type WriteContext } from '../registry/write-context';
import { type UpdateSource } from '../registry/writer';
import { type ApiRequest } from '../request/api-request';
import { checkName, checkNamespace, expectedOf } from './request-checks';

const strategicMediaType = 'application/strategic-merge-patch+json';
export const applyMediaType = 'application/apply-patch+yaml';

type Apply = (document: JsonObject, patch: JsonValue, schema: StructSchema, context: WriteContext) => JsonValue;

/** The forms of PATCH that compute a new object from the old one. Server-side apply is a thing of its own. */
const forms: Readonly<Record<string, Apply>> = {
  'application/json-patch+json': (document, patch, _schema, context) => {
    const { value, strictErrors } = applyJsonPatch(document, patch);
    if (context.options.fieldValidation === 'Strict' && strictErrors.length > 0) {
      throw badRequest(`strict decoding error: ${strictErrors.join(', ')}`);
    }
    if (context.options.fieldValidation === 'Warn') strictErrors.forEach((message) => context.warn(message));
    return value;
  },
  'application/merge-patch+json': applyMergePatch,
  [strategicMediaType]: applyStrategicMergePatch,
};

/** Applies a patch of any form but server-side apply. @throws UnsupportedMediaType, and what the patch itself deserves */
export function applyPatch(
  mediaType: string,
  document: JsonObject,
  patch: JsonValue,
  schema: StructSchema,
  context: WriteContext,
): JsonValue {
  const apply = forms[mediaType];
  if (apply === undefined) throw unsupportedPatch();
  return apply(document, patch, schema, context);
}

/** PATCH as a source for `Writer.update`. */
export class Patcher {
  constructor(private readonly now: () => number) {}

  async source(
    request: ApiRequest,
    resource: ServedResource,
    context: WriteContext,
    mediaType: string,
  ): Promise<UpdateSource> {
    if (mediaType === applyMediaType) return this.applySource(request, resource, context);
    if (forms[mediaType] === undefined) throw unsupportedPatch();
    const patch = await readPatch(request);
    return {
      next: (old) => {
        // Some kinds are created by an update, but none by a patch.
        if (old === undefined) throw notFound(resource.groupResource, context.name);
        const document = old as unknown as JsonObject;
        const patched = applyPatch(mediaType, document, patch.value, resource.schema, context);
        return this.finish(resource, decodePatched(patched, patch, mediaType, resource, context), old, context);
      },
    };
  }

  /** Server-side apply: creates the object if it is missing. */
  private async applySource(
    request: ApiRequest,
    resource: ServedResource,
    context: WriteContext,
  ): Promise<UpdateSource> {
    const config = await readConfiguration(request, context);
    const kind = kindOf(config);
    const { group, version, kind: expectedKind } = resource.definition;
    if (kind.group !== group || kind.version !== version || kind.kind !== expectedKind) {
      throw badRequest(`invalid object type: ${formatKind(kind)}`);
    }
    return {
      createIfMissing: true,
      next: (old) => {
        const applied = applyConfiguration(old, config, {
          ...ownershipContext(resource, context, this.now()),
          manager: context.manager,
          force: context.options.force === true,
          normalize: (merged) => {
            const object = decodeObject(merged, expectedOf(resource), 'Ignore', () => undefined);
            resource.strategy.setDefaults?.(object);
            return object;
          },
        });
        // The outcome shares parts with the live object, which stay as they are.
        const object = copyJson(applied) as KubernetesObject;
        object.metadata ??= {};
        checkName(object, context.name);
        checkNamespace(object, resource, context.namespace);
        return object;
      },
    };
  }

  private finish(
    resource: ServedResource,
    object: KubernetesObject,
    old: DeepReadonly<KubernetesObject>,
    context: WriteContext,
  ): KubernetesObject {
    resource.strategy.setDefaults?.(object);
    checkName(object, context.name);
    checkNamespace(object, resource, context.namespace);
    recordUpdate(resource, object, old, context, this.now());
    return object;
  }
}

/** Decodes the outcome of a patch; what does not decode is the patch's fault. */
function decodePatched(
  patched: JsonValue,
  patch: ParsedText,
  mediaType: string,
  resource: ServedResource,
  context: WriteContext,
): KubernetesObject {
  const { fieldValidation } = context.options;
  const refuse = (cause: string): ApiError => {
    const shown = mediaType === strategicMediaType ? goValue(patch.value) : describe(patched);
    return invalid({ group: '', kind: '' }, '', [field.invalid('patch', shown, cause)]);
  };
  const complaints = [...patch.duplicates];
  let object: KubernetesObject;
  try {
    object = decodeObject(patched, expectedOf(resource), fieldValidation === 'Ignore' ? 'Ignore' : 'Warn', (message) =>
      complaints.push(message),
    );
  } catch (error) {
    const cause =
      error instanceof ApiError ? / cannot be handled as a \w+: (.*)$/s.exec(error.message)?.[1] : undefined;
    if (cause === undefined) throw error;
    throw refuse(mediaType === strategicMediaType ? conversionText(cause) : cause);
  }
  if (fieldValidation === 'Strict' && complaints.length > 0) throw refuse(strictText(complaints));
  if (fieldValidation === 'Warn') complaints.forEach((message) => context.warn(message));
  return object;
}

/** Strategic merge patches are not decoded but converted (`FromUnstructured`), which complains in words of its own. */
function conversionText(cause: string): string {
  const { source, target = '' } =
    /^json: cannot unmarshal (?<source>\w+) into Go .* of type (?<target>\S+)$/.exec(cause)?.groups ?? {};
  if (source === undefined) return cause;
  if (target.startsWith('[]')) return `cannot restore slice from ${source}`;
  if (target.startsWith('map[')) return `cannot restore map from ${source}`;
  return target.includes('.') ? `cannot restore struct from: ${source}` : `unrecognized type: ${target}`;
}

/** Go's order of the fields of ObjectMeta. */
const metadataOrder = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
];

/** A patched object as upstream quotes it: top-level keys sorted, metadata as Go writes it. */
function describe(patched: JsonValue): string {
  if (!isObject(patched)) return JSON.stringify(patched);
  const rank = (key: string): number =>
    (metadataOrder.indexOf(key) + metadataOrder.length + 1) % (metadataOrder.length + 1);
  const { metadata, ...rest } = patched;
  const described = sortKeys(rest);
  if (isObject(metadata)) {
    const entries = Object.entries(metadata).map(
      ([key, value]) =>
        [
          key,
          key === 'managedFields' ? withSortedFields(value) : key === 'ownerReferences' ? value : sortKeys(value),
        ] as const,
    );
    described.metadata = Object.fromEntries(entries.sort(([a], [b]) => rank(a) - rank(b)));
  } else if (metadata !== undefined) described.metadata = metadata;
  const sorted = Object.entries(described).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

function withSortedFields(managedFields: JsonValue): JsonValue {
  if (!Array.isArray(managedFields)) return managedFields;
  return managedFields.map((entry) =>
    isObject(entry) && entry.fieldsV1 !== undefined ? { ...entry, fieldsV1: sortKeys(entry.fieldsV1) } : entry,
  );
}

/** Go writes maps in the order of their keys. */
function sortKeys<T extends JsonValue>(value: T): T {
  if (Array.isArray(value)) return value.map(sortKeys) as T;
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, child]) => [key, sortKeys(child)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}

/** The configuration as it was sent, YAML or JSON. @throws BadRequest */
export async function readConfiguration(
  request: ApiRequest,
  context: WriteContext,
): Promise<JsonObject & KubernetesObject> {
  let value = request.body.value as JsonValue | undefined;
  if (value === undefined) {
    const text = ((await request.body.bytes()) ?? Buffer.alloc(0)).toString('utf8');
    try {
      const parsed = parseYaml(text);
      if (context.options.fieldValidation === 'Strict' && parsed.duplicates.length > 0) {
        throw badRequest(`error strict decoding YAML: ${parsed.duplicates.join(', ')}`);
      }
      if (context.options.fieldValidation === 'Warn') parsed.duplicates.forEach((message) => context.warn(message));
      value = parsed.value;
    } catch (error) {
      if (error instanceof YamlSyntaxError) {
        throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
      }
      throw error;
    }
  }
  if (value === null) return {};
  if (isObject(value)) return value;
  const cause = `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`;
  throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${cause}`);
}

/** @throws BadRequest if it is not JSON */
export async function readPatch(request: ApiRequest): Promise<ParsedText> {
  if (request.body.value !== undefined) return { value: request.body.value as unknown as JsonValue, duplicates: [] };
  const text = ((await request.body.bytes()) ?? Buffer.alloc(0)).toString('utf8');
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

/** 415 as upstream's router words it. */
function unsupportedPatch(): ApiError {
  const { status } = genericServerResponse(415);
  return new ApiError({ ...status, message: '415: Unsupported Media Type' });
}
