import { hasId, idWords, ownIds, parseIdMap, withSubordinateIds } from './id-maps';

const user = { name: 'ada', uid: 1000, gid: 100 };

test("one's own number is root's, and nobody else is there", () => {
  const { users, groups } = ownIds(user);
  expect([idWords(users), idWords(groups)]).toEqual(['0 1000 1', '0 100 1']);
  expect([hasId(users, 0), hasId(users, 1), hasId(users, 1000)]).toEqual([true, false, false]);
});

test('ranges that a person was given follow, by name or number, one after the other', () => {
  const subuid = '# comment\nbob:100000:65536\nada:200000:1000\n1000:500000:5\nada:7:0\nada:not:numbers\n';
  const maps = withSubordinateIds(user, subuid, 'ada:300000:65536\n');
  expect(idWords(maps?.users ?? [])).toBe('0 1000 1 1 200000 1000 1001 500000 5');
  expect(idWords(maps?.groups ?? [])).toBe('0 100 1 1 300000 65536');
  expect([1, 1000, 1005, 1006].map((id) => hasId(maps?.users ?? [], id))).toEqual([true, true, true, false]);
});

test('a range of one kind alone is none', () => {
  expect(withSubordinateIds(user, 'ada:200000:1000\n', '')).toBeUndefined();
  expect(withSubordinateIds(user, 'ada2:200000:1000\n', 'ada:200000:1000\n')).toBeUndefined();
});

test("the kernel's table is read", () => {
  expect(parseIdMap('         0       1000          1\n         1     100000      65536\n')).toEqual([
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 100_000, count: 65_536 },
  ]);
});
