import { type FieldSchema, type ScalarSchema, type Schema, type StructSchema } from '#machinery';
import { accessFacts } from './facts/access';
import { coreFacts } from './facts/core';
import { type FieldFacts, noFacts, parseFacts } from './facts/facts';
import { infrastructureFacts } from './facts/infrastructure';
import { embeddedFields, type LayoutFacts, omittedWhenEmpty, omittedWhenZero, writtenFields } from './facts/layout';
import { metaFacts } from './facts/meta';
import { workloadsFacts } from './facts/workloads';
import { definitions as text } from './generated/definitions';

const facts = { ...accessFacts, ...coreFacts, ...infrastructureFacts, ...metaFacts, ...workloadsFacts };

/** `[description, [[field, type, required, description], …]]`, as tools/generate-api writes it. */
type Definition = readonly [string, readonly (readonly [string, string, 0 | 1, string])[]];

type Growing<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Links the generated definitions and the hand-kept facts into the schema graph: one object a definition, shared by all
 * who refer to it, so that recursive types (`JSONSchemaProps`) are simply cycles.
 */
export function linkSchemas(): ReadonlyMap<string, StructSchema> {
  const definitions = JSON.parse(text) as Readonly<Record<string, Definition>>;
  const structs = new Map<string, Growing<StructSchema>>();
  for (const [name, [description]] of Object.entries(definitions)) {
    structs.set(name, { type: 'struct', name, description, fields: {} });
  }
  checkFacts(definitions);

  for (const [name, struct] of structs) {
    const ownFacts = factsOf(name);
    if (ownFacts['*'] !== undefined) struct.atomic = true;
    const fields: Record<string, FieldSchema> = {};
    for (const [field, type, required, description] of definitions[name]?.[1] ?? []) {
      const fact = ownFacts[field] === undefined ? noFacts : parseFacts(ownFacts[field]);
      fields[field] = {
        schema: schemaOf(type, fact, structs),
        description,
        ...(required === 1 ? { required: true } : {}),
        ...(fact.default === undefined ? {} : { default: fact.default }),
        ...(fact.patchStrategy === undefined ? {} : { patchStrategy: fact.patchStrategy }),
        ...(fact.patchMergeKey === undefined ? {} : { patchMergeKey: fact.patchMergeKey }),
        ...layoutOf(name, field, type),
      };
    }
    struct.fields = fields;
  }
  return structs;
}

function factsOf(definition: string): Readonly<Record<string, string>> {
  const dot = definition.lastIndexOf('.');
  return facts[definition.slice(0, dot)]?.[definition.slice(dot + 1)] ?? {};
}

const embeddedEverywhere = new Set(['metadata', 'spec', 'status']);

function layoutOf(definition: string, field: string, type: string): Partial<FieldSchema> {
  const names = (facts: LayoutFacts): boolean =>
    facts[definition.slice(definition.lastIndexOf('.') + 1)]?.split(' ').includes(field) === true;
  return {
    ...(type.startsWith('#') && (embeddedEverywhere.has(field) || names(embeddedFields)) ? { embedded: true } : {}),
    ...(names(writtenFields) ? { written: true } : {}),
    ...(names(omittedWhenEmpty) ? { omitEmpty: true } : {}),
    ...(names(omittedWhenZero) ? { omitZero: true } : {}),
  };
}

const scalars = new Map<string, ScalarSchema>();

function scalar(text: string): ScalarSchema {
  let schema = scalars.get(text);
  if (schema === undefined) {
    const [type, format] = text.split(':') as [ScalarSchema['type'], string | undefined];
    schema = format === undefined ? { type } : { type, format };
    scalars.set(text, schema);
  }
  return schema;
}

const quantity: Schema = { type: 'quantity' };
const intOrString: Schema = { type: 'int-or-string' };
const any: Schema = { type: 'any' };

function schemaOf(type: string, fact: FieldFacts, structs: ReadonlyMap<string, StructSchema>): Schema {
  if (type.startsWith('[]')) {
    const items = schemaOf(type.slice(2), fact.quantity === true ? { quantity: true } : noFacts, structs);
    if (fact.listType === undefined) return { type: 'list', items };
    return {
      type: 'list',
      items,
      listType: fact.listType,
      ...(fact.mapKeys === undefined ? {} : { mapKeys: fact.mapKeys }),
    };
  }
  if (type.startsWith('{}')) {
    const values = schemaOf(type.slice(2), fact.quantity === true ? { quantity: true } : noFacts, structs);
    return fact.listType === 'atomic' ? { type: 'map', values, atomic: true } : { type: 'map', values };
  }
  if (type.startsWith('#')) {
    const struct = structs.get(type.slice(1));
    if (struct === undefined) throw new TypeError(`unknown definition ${type}`);
    return fact.granular === true ? granularView(struct) : struct;
  }
  if (type === 'int-or-string') return intOrString;
  if (type === 'any') return any;
  return fact.quantity === true ? quantity : scalar(type);
}

/** The same type, shared field by field although it is atomic elsewhere. Its fields may not be linked yet. */
function granularView(struct: StructSchema): StructSchema {
  return {
    type: 'struct',
    name: struct.name,
    description: struct.description,
    get fields() {
      return struct.fields;
    },
  };
}

/** A fact about a field that no longer exists would silently stop being true. */
function checkFacts(definitions: Readonly<Record<string, Definition>>): void {
  for (const [goPackage, kinds] of Object.entries(facts)) {
    for (const [kind, fields] of Object.entries(kinds)) {
      const definition = definitions[`${goPackage}.${kind}`];
      if (definition === undefined) throw new TypeError(`facts name an unknown definition ${goPackage}.${kind}`);
      for (const field of Object.keys(fields)) {
        if (field !== '*' && !definition[1].some(([name]) => name === field)) {
          throw new TypeError(`facts name an unknown field ${kind}.${field}`);
        }
      }
    }
  }
}
