import fc from 'fast-check';
import { type JsonValue } from '../objects';
import {
  difference,
  emptySet,
  type FieldSet,
  fieldSetOf,
  intersection,
  isEmptySet,
  membersOf,
  parseFieldSet,
  recursiveDifference,
  setEquals,
  union,
} from './field-set';

/** Paths as plain strings: the model that the algebra is checked against. */
const path = fc.array(fc.constantFrom('f:a', 'f:b', 'v:1'), { minLength: 1, maxLength: 3 });
const paths = fc.array(path, { maxLength: 6 });

function build(members: readonly (readonly string[])[]): FieldSet {
  return members.reduce<FieldSet>(
    (set, steps) =>
      union(
        set,
        [...steps].reverse().reduce<FieldSet>((below, step) => ({ [step]: below }), {}),
      ),
    emptySet,
  );
}

function texts(set: FieldSet): string[] {
  return [...membersOf(set)].map((steps) => steps.join('/')).sort();
}

function model(members: readonly (readonly string[])[]): Set<string> {
  return new Set(members.map((steps) => steps.join('/')));
}

describe('field sets', () => {
  it('follow the algebra of plain sets of paths', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        const [left, right, m, n] = [build(a), build(b), model(a), model(b)];
        const before = JSON.stringify([left, right]);
        expect(texts(left)).toEqual([...m].sort());
        expect(texts(union(left, right))).toEqual([...new Set([...m, ...n])].sort());
        expect(texts(difference(left, right))).toEqual([...m].filter((x) => !n.has(x)).sort());
        expect(texts(intersection(left, right))).toEqual([...m].filter((x) => n.has(x)).sort());
        expect(texts(recursiveDifference(left, right))).toEqual(
          [...m].filter((x) => ![...n].some((y) => x === y || x.startsWith(`${y}/`))).sort(),
        );
        expect(setEquals(left, right)).toBe([...m].sort().join() === [...n].sort().join());
        expect(isEmptySet(difference(left, left))).toBe(true);
        expect(JSON.stringify([left, right])).toBe(before);
      }),
      { numRuns: 500 },
    );
  });

  it('are written as FieldsV1', () => {
    expect(union(fieldSetOf('metadata.labels'), fieldSetOf('metadata.labels.app', 'spec'))).toEqual({
      'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
      'f:spec': {},
    });
  });

  it('are read from what clients send, or not', () => {
    expect(parseFieldSet({ 'f:a': { '.': {}, 'k:{"n":1}': {}, 'i:0': {} } })).toBeDefined();
    expect(parseFieldSet(undefined)).toEqual({});
    const refused: JsonValue[] = [[], 'x', { a: {} }, { 'f:a': 1 }, { 'i:x': {} }];
    for (const bad of refused) expect(parseFieldSet(bad)).toBeUndefined();
  });
});
