import { type JsonValue, type ListType } from '#machinery';

/**
 * What the generator's source lacks about a field: how two writers share it, how a strategic merge treats it, its default.
 *
 * By package, definition and field; each value is a few words:
 *
 * - `atomic`, `set`, `map(<key> …)`: the list type. For an object or a map, `atomic` means that it has one owner as a
 *   whole, and `granular` takes that back for one use of a type.
 * - `merge(<key>)`, `merge`, `replace`, `retainKeys`, `merge,retainKeys(<key>)`: the patch strategy and its merge key.
 * - `quantity`: the text is a quantity (`500m`, `1Gi`); on maps and lists, each value is.
 * - `default(<JSON>)`
 *
 * The field `*` is the definition itself. Fields that are not listed have no such facts.
 */
export type PackageFacts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

/** The words of one field, taken apart. */
export interface FieldFacts {
  readonly listType?: ListType;
  readonly mapKeys?: readonly string[];
  readonly granular?: boolean;
  readonly patchStrategy?: readonly PatchStrategy[];
  readonly patchMergeKey?: string;
  readonly quantity?: boolean;
  readonly default?: JsonValue;
}

type PatchStrategy = 'merge' | 'replace' | 'retainKeys';

export const noFacts: FieldFacts = {};

/** Reads the notation above. Throws on words it does not know: the tables are part of the program. */
export function parseFacts(text: string): FieldFacts {
  let facts: FieldFacts = noFacts;
  for (const match of text.matchAll(/([\w,]+)(?:\(([^)]*)\))?/g)) {
    facts = { ...facts, ...parseWord(match[1] ?? '', match[2]) };
  }
  return facts;
}

function parseWord(word: string, argument: string | undefined): FieldFacts {
  switch (word) {
    case 'atomic':
    case 'set':
      return { listType: word };
    case 'map':
      return { listType: 'map', mapKeys: (argument ?? '').split(' ') };
    case 'granular':
      return { granular: true };
    case 'quantity':
      return { quantity: true };
    case 'default':
      return { default: JSON.parse(argument ?? '') as JsonValue };
    case 'merge':
    case 'replace':
    case 'retainKeys':
    case 'merge,retainKeys':
      return {
        patchStrategy: word.split(',') as PatchStrategy[],
        ...(argument === undefined ? {} : { patchMergeKey: argument }),
      };
    default:
      throw new TypeError(`unknown fact ${word}`);
  }
}
