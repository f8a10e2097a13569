import fc from 'fast-check';
import { contains } from '../mvcc/key-range';
import { type Permission } from './auth-change';
import { Permissions } from './permissions';

const ALPHABET = ['a', 'b', 'c', 'd'];
const keys = ALPHABET.flatMap((first) => [first, ...ALPHABET.map((second) => first + second)]);
const key = fc.constantFrom(...keys);
const rangeEnd = fc.oneof(fc.constant(''), fc.constant('\0'), key);
const permission: fc.Arbitrary<Permission> = fc.record({
  access: fc.constantFrom('read', 'write', 'readwrite'),
  key,
  rangeEnd,
});

it('covers a range only if each of its keys is granted', () => {
  fc.assert(
    fc.property(
      fc.array(permission),
      fc.constantFrom('read', 'write'),
      key,
      rangeEnd,
      (granted, access, start, end) => {
        const asked = { key: start, rangeEnd: end };
        const mayTouch = (each: string): boolean =>
          granted.some((one) => [access, 'readwrite'].includes(one.access) && contains(one, each));
        if (!new Permissions(granted).cover(access, asked)) return;
        for (const each of keys) if (contains(asked, each)) expect(mayTouch(each)).toBe(true);
      },
    ),
  );
});

it.each([
  ['one key', [['a', '']], ['a', ''], true],
  ['another key', [['a', '']], ['b', ''], false],
  ['a key in a range', [['a', 'c']], ['b', ''], true],
  ['the end of a range', [['a', 'c']], ['c', ''], false],
  ['a range of two that touch', [['a', 'b'], ['b', 'c']], ['a', 'c'], true], // prettier-ignore
  ['a range of two with a gap', [['a', 'b'], ['b0', 'c']], ['a', 'c'], false], // prettier-ignore
  ['a range of two that overlap', [['a', 'b5'], ['b', 'c']], ['a', 'c'], true], // prettier-ignore
  ['all keys from one on', [['a', '\0']], ['b', '\0'], true],
  ['all keys, with less', [['a', 'z']], ['a', '\0'], false],
  ['a range that ends before it begins', [['a', 'c']], ['b', 'a'], true],
  ['a range that ends before it begins, elsewhere', [['a', 'b']], ['c', 'b'], false],
  ['a range with its one key alone', [['a', '']], ['a', 'b'], false],
] as const)('%s', (_what, granted, [start, end], expected) => {
  const permissions = new Permissions(granted.map(([from, to]) => ({ access: 'read', key: from, rangeEnd: to })));
  expect(permissions.cover('read', { key: start, rangeEnd: end })).toBe(expected);
  expect(permissions.cover('write', { key: start, rangeEnd: end })).toBe(false);
});
