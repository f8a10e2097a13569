import { type FieldSchema, type Schema, type StructSchema } from '#machinery';
import { packages } from '../generated/definitions';
import { parseGroupVersion } from '../resource';
import { allSchemas, metaPackage } from '../schemas';
import { type GroupVersionKind } from './operations';

/** A schema or any other object of an OpenAPI document. */
export type OpenApiObject = Readonly<Record<string, unknown>>;

export type Dialect = 'v2' | 'v3';

const prefixes = { v2: '#/definitions/', v3: '#/components/schemas/' } as const;

export function reference(dialect: Dialect, definition: string): { readonly $ref: string } {
  return { $ref: `${prefixes[dialect]}${definition}` };
}

const extensionsPackage = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const rawExtension = 'io.k8s.apimachinery.pkg.runtime.RawExtension';

/** Types that are no structs. Our model has their meaning built in; in documents they are definitions like all others. */
const leaves: Readonly<Record<string, { readonly v2: OpenApiObject; readonly v3?: OpenApiObject }>> = {
  [quantity]: {
    v2: { type: 'string', description: 'A number in decimal notation with an optional suffix: 500m, 1.5, 2Gi, 1e3.' },
    v3: {
      oneOf: [{ type: 'string' }, { type: 'number' }],
      description: 'A number in decimal notation with an optional suffix: 500m, 1.5, 2Gi, 1e3.',
    },
  },
  [intOrString]: {
    v2: { type: 'string', format: 'int-or-string', description: 'A number, or a string such as a port name or 25%.' },
    v3: {
      oneOf: [{ type: 'integer' }, { type: 'string' }],
      format: 'int-or-string',
      description: 'A number, or a string such as a port name or 25%.',
    },
  },
  [rawExtension]: { v2: { type: 'object', description: 'An object of any kind.' } },
  [`${metaPackage}.Time`]: { v2: { type: 'string', format: 'date-time', description: 'A time, RFC 3339.' } },
  [`${metaPackage}.MicroTime`]: {
    v2: { type: 'string', format: 'date-time', description: 'A time with microseconds, RFC 3339.' },
  },
  [`${metaPackage}.FieldsV1`]: {
    v2: { type: 'object', description: 'A set of fields: f:<name>, k:<keys>, v:<value>, i:<index>, and . for itself.' },
  },
  [`${metaPackage}.Patch`]: {
    v2: { type: 'object', description: 'The body of a PATCH request; its content type says of which kind.' },
  },
  [`${extensionsPackage}.JSON`]: { v2: { description: 'Any JSON value.' } },
  [`${extensionsPackage}.JSONSchemaPropsOrArray`]: { v2: { description: 'A schema or a list of schemas.' } },
  [`${extensionsPackage}.JSONSchemaPropsOrBool`]: { v2: { description: 'A schema or a boolean.' } },
  [`${extensionsPackage}.JSONSchemaPropsOrStringArray`]: { v2: { description: 'A schema or a list of strings.' } },
  [`${extensionsPackage}.CustomResourceSubresourceStatus`]: {
    v2: { type: 'object', description: 'Present if the resource has a status subresource. Has no fields.' },
  },
};

/** What the fields are that our model calls `any`. */
const opaqueFields: Readonly<Record<string, string>> = {
  'ControllerRevision.data': rawExtension,
  'AllocatedDeviceStatus.data': rawExtension,
  'OpaqueDeviceConfiguration.parameters': rawExtension,
  'WatchEvent.object': rawExtension,
  'ManagedFieldsEntry.fieldsV1': `${metaPackage}.FieldsV1`,
  'CustomResourceSubresources.status': `${extensionsPackage}.CustomResourceSubresourceStatus`,
  'JSONSchemaProps.additionalItems': `${extensionsPackage}.JSONSchemaPropsOrBool`,
  'JSONSchemaProps.additionalProperties': `${extensionsPackage}.JSONSchemaPropsOrBool`,
  'JSONSchemaProps.default': `${extensionsPackage}.JSON`,
  'JSONSchemaProps.dependencies': `${extensionsPackage}.JSONSchemaPropsOrStringArray`,
  'JSONSchemaProps.enum': `${extensionsPackage}.JSON`,
  'JSONSchemaProps.example': `${extensionsPackage}.JSON`,
  'JSONSchemaProps.items': `${extensionsPackage}.JSONSchemaPropsOrArray`,
};

/** Every built-in definition by name: structs and leaves. */
export function builtInDefinitions(): ReadonlyMap<string, StructSchema | undefined> {
  const all = new Map<string, StructSchema | undefined>(allSchemas());
  for (const name of Object.keys(leaves)) all.set(name, undefined);
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One definition as OpenAPI has it, or undefined if it is not built in. */
export function definitionObject(
  dialect: Dialect,
  name: string,
  groupVersions: readonly { readonly group: string; readonly version: string }[],
): OpenApiObject | undefined {
  const leaf = leaves[name];
  if (leaf !== undefined) return leaf[dialect] ?? leaf.v2;
  const struct = allSchemas().get(name);
  if (struct === undefined) return undefined;

  const fields = Object.entries(struct.fields);
  const required = fields.filter(([, field]) => field.required === true).map(([field]) => field);
  const shortName = name.slice(name.lastIndexOf('.') + 1);
  const kinds = kindsOf(struct, shortName, groupVersions);
  return {
    description: struct.description,
    ...(required.length === 0 ? {} : { required }),
    type: 'object',
    ...(fields.length === 0
      ? {}
      : {
          properties: Object.fromEntries(
            fields.map(([field, schema]) => [
              field,
              fieldObject(
                dialect,
                kinds.length > 0 ? withConventionalDescription(field, schema) : schema,
                opaqueFields[`${shortName}.${field}`],
              ),
            ]),
          ),
        }),
    ...(kinds.length === 0 ? {} : { 'x-kubernetes-group-version-kind': kinds }),
    ...(struct.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
}

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

/** The fields that every kind has, in the words that most of upstream's kinds use. */
const conventionalDescriptions: Readonly<Record<string, string>> = {
  metadata: `Standard object's metadata. More info: ${conventions}#metadata`,
  spec: `Specification of the desired behavior. More info: ${conventions}#spec-and-status`,
  status: `Most recently observed status. Populated by the system. Read-only. More info: ${conventions}#spec-and-status`,
};

function withConventionalDescription(name: string, field: FieldSchema): FieldSchema {
  const description = field.description === '' ? conventionalDescriptions[name] : undefined;
  return description === undefined ? field : { ...field, description };
}

function fieldObject(dialect: Dialect, field: FieldSchema, opaque: string | undefined): OpenApiObject {
  const { schema } = field;
  const { $ref, ...rest } = schemaObject(dialect, schema, opaque);
  // The generator's source has no description of fields that are structs: say what the struct is.
  const description = field.description === '' && schema.type === 'struct' ? schema.description : field.description;
  const isShared = schema.type === 'struct' && schema.atomic !== true && allSchemas().get(schema.name)?.atomic === true;
  const extra = {
    ...(description === '' ? {} : { description }),
    ...(field.default === undefined || dialect === 'v2' ? {} : { default: field.default }),
    ...(field.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': field.patchStrategy.join(',') }),
    ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(isShared ? { 'x-kubernetes-map-type': 'granular' } : {}),
  };
  if ($ref === undefined) return { ...rest, ...extra };
  // In OpenAPI 3.0 nothing may stand beside a $ref.
  return dialect === 'v2' || Object.keys(extra).length === 0 ? { $ref, ...extra } : { allOf: [{ $ref }], ...extra };
}

function schemaObject(dialect: Dialect, schema: Schema, opaque: string | undefined): OpenApiObject {
  switch (schema.type) {
    case 'struct':
      return reference(dialect, schema.name);
    case 'list':
      return {
        type: 'array',
        items: schemaObject(dialect, schema.items, opaque),
        ...(schema.listType === undefined ? {} : { 'x-kubernetes-list-type': schema.listType }),
        ...(schema.mapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': schema.mapKeys }),
      };
    case 'map':
      return {
        type: 'object',
        additionalProperties: schemaObject(dialect, schema.values, opaque),
        ...(schema.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      };
    case 'quantity':
      return reference(dialect, quantity);
    case 'int-or-string':
      return reference(dialect, intOrString);
    case 'any':
      return opaque === undefined ? {} : reference(dialect, opaque);
    default:
      if (schema.format === 'date-time') return reference(dialect, `${metaPackage}.Time`);
      if (schema.format === 'micro-time') return reference(dialect, `${metaPackage}.MicroTime`);
      return schema.format === undefined ? { type: schema.type } : { type: schema.type, format: schema.format };
  }
}

const groupVersionOfPackage = new Map(
  Object.entries(packages).map(([groupVersion, goPackage]) => [goPackage, parseGroupVersion(groupVersion)]),
);
const metaKinds: ReadonlySet<string> = new Set([
  'APIGroup',
  'APIGroupList',
  'APIResourceList',
  'APIVersions',
  'Status',
]);
const kindsOfEveryGroup: ReadonlySet<string> = new Set(['DeleteOptions', 'WatchEvent']);

/** `x-kubernetes-group-version-kind`: kubectl finds the schema of a kind by it. */
function kindsOf(
  struct: StructSchema,
  kind: string,
  groupVersions: readonly { readonly group: string; readonly version: string }[],
): GroupVersionKind[] {
  const goPackage = struct.name.slice(0, -kind.length - 1);
  if (goPackage === metaPackage) {
    if (metaKinds.has(kind)) return [{ group: '', version: 'v1', kind }];
    return kindsOfEveryGroup.has(kind) ? groupVersions.map(({ group, version }) => ({ group, version, kind })) : [];
  }
  const groupVersion = groupVersionOfPackage.get(goPackage);
  const { apiVersion, kind: kindField, metadata } = struct.fields;
  if (groupVersion === undefined || apiVersion === undefined || kindField === undefined || metadata === undefined)
    return [];
  return [{ group: groupVersion.group, version: groupVersion.version, kind }];
}

/** The definitions that an object mentions, directly. */
export function referencesIn(object: unknown, dialect: Dialect, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(object)) {
    for (const item of object) referencesIn(item, dialect, found);
  } else if (typeof object === 'object' && object !== null) {
    for (const [key, value] of Object.entries(object)) {
      if (key === '$ref' && typeof value === 'string') found.add(value.slice(prefixes[dialect].length));
      else referencesIn(value, dialect, found);
    }
  }
  return found;
}
