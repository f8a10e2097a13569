import { unifiedDiff } from './unified-diff';

describe('unifiedDiff', () => {
  it('says nothing about equal values', () => {
    expect(unifiedDiff({ a: 1 }, { a: 1 })).toBe('');
  });

  it('shows a change with three lines around it', () => {
    const before = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8 };
    expect(unifiedDiff(before, { ...before, e: 0 })).toBe(
      '@@ -3,7 +3,7 @@\n  "b": 2,\n  "c": 3,\n  "d": 4,\n- "e": 5,\n+ "e": 0,\n  "f": 6,\n  "g": 7,\n  "h": 8\n',
    );
  });

  it('keeps changes that are near each other in one hunk', () => {
    const before = { a: 1, b: 2, c: 3, d: 4 };
    expect(unifiedDiff(before, { ...before, a: 0, d: 0 }).match(/@@ -/g)).toHaveLength(1);
  });

  it('separates changes that are far from each other', () => {
    const before = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, index]));
    expect(unifiedDiff(before, { ...before, k1: 'x', k18: 'y' }).match(/@@ -/g)).toHaveLength(2);
  });

  it('counts the lines of what grows', () => {
    expect(unifiedDiff({ a: null }, { a: ['x', 'y'] })).toBe(
      '@@ -1,3 +1,6 @@\n {\n- "a": null\n+ "a": [\n+  "x",\n+  "y"\n+ ]\n }\n',
    );
  });
});
