import * as names from './names';

describe('names', () => {
  it.each<[keyof typeof names, string[], string[]]>([
    ['isDns1123Label', ['a', '0-9', 'a'.repeat(63)], ['', 'A', 'a.b', '-a', 'a-', 'a'.repeat(64)]],
    ['isDns1123Subdomain', ['a', 'a.b', 'a-b.c'], ['', 'a..b', '.a', 'a_b', 'a'.repeat(254)]],
    ['isDns1035Label', ['a', 'a0'], ['0a', '', 'a.b']],
    ['isQualifiedName', ['a', 'A_b.c', 'example.com/Name'], ['', '/a', 'a/', 'a/b/c', '-a', 'EXAMPLE/a']],
    ['isValidLabelValue', ['', 'A_1'], ['-', 'a b', 'a'.repeat(64)]],
    ['isConfigMapKey', ['.a', 'a..b', 'A_'], ['', '.', '..', '..a', 'a/b']],
    ['isEnvVarName', ['A', '_a', '.a'], ['1a', '', '..']],
    ['isRelaxedEnvVarName', ['1a', 'a b'], ['', 'a=b', 'é']],
    ['isPathSegmentName', ['a', 'A:b'], ['.', '..', 'a/b', 'a%b']],
    ['isValidPortName', ['http', 'a-1'], ['', '80', 'a--b', '-a', 'a'.repeat(16), 'A']],
    ['isWildcardDns1123Subdomain', ['*.a'], ['a', '*', '*.*.a']],
  ])('%s', (name, good, bad) => {
    const check = names[name] as (value: string) => string[];
    for (const value of good) expect([value, check(value)]).toEqual([value, []]);
    for (const value of bad) expect([value, check(value).length]).not.toEqual([value, 0]);
  });

  it('words its complaints as upstream does', () => {
    expect(names.isDns1123Label('a.b')).toEqual(['must not contain dots']);
    expect(names.isValidLabelValue('a'.repeat(64))).toEqual(['must be no more than 63 bytes']);
    expect(names.isQualifiedName('bad gate')).toEqual([
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ]);
    expect(names.isPathSegmentName('a/b%')).toEqual(["may not contain '/'", "may not contain '%'"]);
  });

  it('masks the dash that a suffix will follow', () => {
    expect(['web-', 'web', '-'].map(names.maskTrailingDash)).toEqual(['wea', 'web', '-']);
  });
});

test.each([
  ['build-7.example.com', 'build-7.example.com'],
  ['My_Laptop', 'my-laptop'],
  ['(none)', 'none'],
  ['a..b--c.', 'a.b--c'],
  ['___', 'localhost'],
  ['x'.repeat(62) + '_y', 'x'.repeat(62)],
])('the machine %s is the node %s', (hostname, name) => {
  expect(names.nodeNameOf(hostname)).toBe(name);
  expect(names.isDns1123Subdomain(name)).toEqual([]);
});
