import { FieldPath, formatFieldError } from '#machinery';
import { isCidr, nonSpecialAddress } from './addresses';
import { localPath, localUnreservedPath, sameValue } from './checks';
import { goStruct } from './go-struct';
import { resourceRequirements } from './resources';

const path = FieldPath.of('spec', 'path');

describe('paths below a directory', () => {
  it.each([
    ['a/b', []],
    ['..a', []],
    ['../x', ["must not contain '..'"]],
    ['a/../../etc/shadow', ["must not contain '..'"]],
    ['/etc', ['must be a relative path']],
    ['/..', ['must be a relative path', "must not contain '..'"]],
  ])('%s', (value, texts) => {
    expect(localPath(value, path).map(formatFieldError)).toEqual(
      texts.map((text) => `spec.path: Invalid value: "${value}": ${text}`),
    );
  });

  it('keeps the names of atomic writers', () => {
    expect(localUnreservedPath('..data', path)).toHaveLength(1);
    expect(localUnreservedPath('a/..data', path)).toEqual([]);
  });
});

it.each([
  [undefined, null, true],
  [[], undefined, true],
  [{}, null, true],
  [[1], [1], true],
  ['', undefined, false],
  [{ a: 1 }, { a: 2 }, false],
])('sameValue(%j, %j) is %s', (a, b, expected) => {
  expect(sameValue(a, b)).toBe(expected);
});

it.each([
  ['10.0.0.1', 0],
  ['127.0.0.1', 1],
  ['::1', 1],
  ['169.254.169.254', 1],
  ['fe80::1', 1],
  ['224.0.0.5', 1],
  ['0.0.0.0', 1],
  ['2001:db8::1', 0],
])('%s has %i objections as an address for others', (value, count) => {
  expect(nonSpecialAddress(value, path)).toHaveLength(count);
});

it.each([
  ['10.0.0.0/8', true],
  ['10.0.0.0/33', false],
  ['fd00::/64', true],
  ['10.0.0.0', false],
  ['10.0.0.0/8/8', false],
])('isCidr(%s) is %s', (value, expected) => {
  expect(isCidr(value)).toBe(expected);
});

describe('goStruct', () => {
  it('names fields as Go does and writes what is unset', () => {
    expect(goStruct({ apiGroup: 'g', name: 'n' }, 'RoleRef')).toEqual({ APIGroup: 'g', Kind: '', Name: 'n' });
  });

  it('writes the fields of embedded structs in place', () => {
    expect(Object.keys(goStruct({ name: 'v', nfs: {} }, 'Volume') as object).slice(0, 3)).toEqual([
      'Name',
      'HostPath',
      'EmptyDir',
    ]);
  });
});

describe('resourceRequirements', () => {
  it.each([
    [{ requests: { cpu: '1' }, limits: { cpu: '2' } }, []],
    [
      { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } },
      ['resources.requests: Invalid value: "2Gi": must be less than or equal to memory limit of 1Gi'],
    ],
    [
      { requests: { 'example.com/gpu': '1' } },
      ['resources.limits: Required value: Limit must be set for non overcommitable resources'],
    ],
    [
      { limits: { 'example.com/gpu': '2' }, requests: { 'example.com/gpu': '1' } },
      ['resources.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2'],
    ],
    [{ limits: { 'hugepages-2Mi': '2Mi' } }, ['resources: Forbidden: HugePages require cpu or memory']],
    [
      { claims: [{ name: 'a' }] },
      ['resources.claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty'],
    ],
  ])('%j', (requirements, expected) => {
    expect(resourceRequirements(requirements, FieldPath.of('resources')).map(formatFieldError)).toEqual(expected);
  });
});
