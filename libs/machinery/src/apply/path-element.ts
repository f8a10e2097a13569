import { goQuote } from '../go-text';
import { isObject } from '../json-tree';
import { type JsonValue } from '../objects';
import { type ListSchema } from '../schema';

/** An element that has no place in its list; the message is structured-merge-diff's. */
export class ListElementError extends Error {
  override readonly name = 'ListElementError';
}

interface KeyField {
  readonly name: string;
  readonly default?: JsonValue;
}

/** The key fields of a map list, sorted as keys print them. */
const keyFields = new WeakMap<ListSchema, readonly KeyField[]>();

function keyFieldsOf(schema: ListSchema): readonly KeyField[] {
  let fields = keyFields.get(schema);
  if (fields === undefined) {
    const items = schema.items.type === 'struct' ? schema.items.fields : {};
    fields = [...(schema.mapKeys ?? [])].sort().map((name) => {
      const value = items[name]?.default;
      return value === undefined ? { name } : { name, default: value };
    });
    keyFields.set(schema, fields);
  }
  return fields;
}

/** What identifies an element of a set or map list: `v:"a"`, `k:{"port":80,"protocol":"TCP"}`. Throws `ListElementError`. */
export function elementOf(item: JsonValue, schema: ListSchema): string {
  if (schema.listType === 'set') return setElement(item);
  if (!isObject(item)) {
    throw new ListElementError(
      `associative list with keys may not have ${item === null ? 'a null element' : 'non-map elements'}`,
    );
  }
  let text = '';
  for (const field of keyFieldsOf(schema)) {
    const value = item[field.name] === undefined ? field.default : item[field.name];
    if (value !== undefined) text += `${text === '' ? '' : ','}"${field.name}":${JSON.stringify(value)}`;
  }
  if (text === '') {
    const names = (schema.mapKeys ?? []).map(goQuote).join(' ');
    throw new ListElementError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return `k:{${text}}`;
}

function setElement(item: JsonValue): string {
  if (item === null) throw new ListElementError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new ListElementError('not supported: associative list with lists as elements');
  if (typeof item === 'object')
    throw new ListElementError("associative list without keys has an element that's a map type");
  return `v:${JSON.stringify(item)}`;
}

/** A path as conflicts print it: `.spec.ports[port=80,protocol="TCP"].name`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

export function formatElement(element: string): string {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${rest}`;
    case 'v:':
      return `[=${rest}]`;
    case 'k:': {
      const key = JSON.parse(rest) as Record<string, JsonValue>;
      const parts = Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      return `[${parts.join(',')}]`;
    }
    default:
      return `[${rest}]`;
  }
}
