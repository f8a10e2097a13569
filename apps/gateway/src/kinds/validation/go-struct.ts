import { isObject } from '#machinery';
import { structs } from './go-structs';

/**
 * Some errors show a value as the Go server holds it inside: Go's field names, in Go's order, with everything that nobody
 * set. Clients see these texts, so they are the same here. `go-structs` has the names.
 */
export function goStruct(value: unknown, struct: string): unknown {
  if (!isObject(value)) return null;
  const byName = new Map(Object.entries(value).map(([name, child]) => [name.toLowerCase(), child]));
  return Object.fromEntries(
    fieldsOf(struct).map(({ name, zero, embedded, list, type }) => {
      const child: unknown = byName.get(name.toLowerCase());
      if (isNothing(child)) return [name, embedded ? goStruct({}, type) : zero];
      if (type === '') return [name, child];
      return [name, list ? (child as unknown[]).map((item) => goStruct(item, type)) : goStruct(child, type)];
    }),
  );
}

/** An empty list is as good as none. */
function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

interface GoField {
  readonly name: string;
  readonly zero: '' | 0 | false | null;
  readonly embedded: boolean;
  readonly list: boolean;
  /** The struct that it holds, '' for anything else. */
  readonly type: string;
}

const zeros = { '=': '', '#': 0, '!': false } as const;
const parsed = new Map<string, readonly GoField[]>();

function fieldsOf(struct: string): readonly GoField[] {
  let fields = parsed.get(struct);
  if (fields === undefined) {
    fields = (structs[struct] ?? '')
      .split(' ')
      .filter((word) => word !== '')
      .flatMap(parseField);
    parsed.set(struct, fields);
  }
  return fields;
}

function parseField(word: string): readonly GoField[] {
  const [, name = '', mark = '', type = ''] = /^(\w*)([=#!:*+]|\[\])?(\w*)$/.exec(word) ?? [];
  // Go writes the fields of an embedded struct as if they were its own.
  if (mark === '+') return fieldsOf(type);
  const zero = mark === '=' || mark === '#' || mark === '!' ? zeros[mark] : null;
  return [{ name, zero, embedded: mark === ':', list: mark === '[]', type }];
}
