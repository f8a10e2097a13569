import { problemsOf, updateProblemsOf } from '../common/strategy.fixture';
import { deviceClasses, resourceClaims, resourceSlices } from './dynamic-resources';

const reference =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

describe('validation of claims', () => {
  const problems = (devices: object): string[] => problemsOf(resourceClaims, { spec: { devices } });
  const requests = [{ name: 'a', exactly: { deviceClassName: 'c' } }];
  const alternatives = [{ name: 'b', firstAvailable: [{ name: 'x', deviceClassName: 'c' }] }];

  it.each<[object, string[]]>([
    [
      {
        requests: [...requests, ...alternatives],
        constraints: [{ requests: ['a', 'b', 'b/x'], matchAttribute: 'd.io/n' }],
      },
      [],
    ],
    [{ requests: [...requests, ...requests] }, ['spec.devices.requests[1]: Duplicate value: "a"']],
    [
      { requests, constraints: [{ requests: ['a', 'b', 'a/b/c'], matchAttribute: 'name' }] },
      [
        `spec.devices.constraints[0].requests[1]: Invalid value: "b": ${reference}`,
        `spec.devices.constraints[0].requests[2]: Invalid value: "a/b/c": ${reference}`,
        'spec.devices.constraints[0].matchAttribute: Invalid value: "name": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [
      { requests: [{ name: 'a', exactly: { deviceClassName: 'c', selectors: [{}] } }] },
      ['spec.devices.requests[0].exactly.selectors[0].cel: Required value'],
    ],
    [
      { requests: [{ name: 'a', firstAvailable: [{ name: '', deviceClassName: '' }] }] },
      [
        'spec.devices.requests[0].firstAvailable[0].name: Required value',
        'spec.devices.requests[0].firstAvailable[0].deviceClassName: Required value',
      ],
    ],
    [
      {
        requests: Array.from({ length: 33 }, (_, index) => ({ name: `r${index}`, exactly: { deviceClassName: 'c' } })),
      },
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
    [
      { config: [{ opaque: { driver: 'd', parameters: [1] } }, {}] },
      [
        'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
        'spec.devices.config[1].opaque: Required value',
      ],
    ],
  ])('%j', (devices, expected) => expect(problems(devices)).toEqual(expected));
});

describe('validation of device classes', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [{ selectors: [{}] }, ['spec.selectors[0].cel: Required value']],
    [
      { config: [{ opaque: { driver: '' } }] },
      ['spec.config[0].opaque.driver: Required value', 'spec.config[0].opaque.parameters: Required value'],
    ],
    [
      { extendedResourceName: 'cpu' },
      ['spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name'],
    ],
  ])('%j', (spec, expected) => expect(problemsOf(deviceClasses, { spec })).toEqual(expected));
});

describe('validation of resource slices', () => {
  const oneOf = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
  const slice = (spec: object): object => ({ spec: { driver: 'd', pool, allNodes: true, ...spec } });
  const problems = (spec: object): string[] => problemsOf(resourceSlices, slice(spec));

  it('asks for a driver, a pool and nodes', () => {
    expect(problemsOf(resourceSlices, { spec: {} })).toEqual([
      'spec.driver: Required value',
      'spec.pool.name: Required value',
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      `spec: Required value: ${oneOf}`,
    ]);
  });

  it.each<[object, string[]]>([
    [{}, []],
    [{ nodeName: 'n' }, [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${oneOf}, but multiple fields are set`]],
    [{ allNodes: false, nodeName: 'n' }, ['spec.allNodes: Invalid value: false: must be either unset or set to true']],
    [
      { devices: [{ name: 'a' }, { name: 'a' }], sharedCounters: [{ name: 'c', counters: { x: { value: '1' } } }] },
      [
        'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
        'spec.devices[1]: Duplicate value: "a"',
      ],
    ],
    [
      { devices: [{ name: 'a', attributes: { v: { version: 'x' }, both: { int: 1, bool: true }, none: {} } }] },
      [
        'spec.devices[0].attributes[v].version: Invalid value: "x": must be a string compatible with semver.org spec 2.0.0',
        'spec.devices[0].attributes[both]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified',
        'spec.devices[0].attributes[none]: Invalid value: "": exactly one value must be specified',
      ],
    ],
    [
      { devices: [{ name: 'a', nodeName: 'n' }] },
      [
        'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ],
    ],
  ])('%j', (spec, expected) => expect(problems(spec)).toEqual(expected));

  it('keeps driver, node and pool', () => {
    const changed = slice({ driver: 'e', pool: { ...pool, name: 'q' } });
    expect(updateProblemsOf(resourceSlices, slice({}), changed)).toEqual([
      'spec.pool.name: Invalid value: "q": field is immutable',
      'spec.driver: Invalid value: "e": field is immutable',
    ]);
  });
});
