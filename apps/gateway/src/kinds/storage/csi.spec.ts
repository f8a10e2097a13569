import { problemsOf, updateProblemsOf } from '../common/strategy.fixture';
import { csiDrivers, csiNodes } from './csi';
import { storageClasses } from './storage-classes';

describe('validation of CSI drivers', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [
      { volumeLifecycleModes: ['Odd'], fsGroupPolicy: 'Odd' },
      [
        'spec.volumeLifecycleModes: Unsupported value: "Odd": supported values: "Persistent", "Ephemeral"',
        'spec.fsGroupPolicy: Unsupported value: "Odd": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      ],
    ],
    [
      {
        tokenRequests: [
          { audience: 'a', expirationSeconds: 599 },
          { audience: 'a', expirationSeconds: 1 },
        ],
      },
      [
        'spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
      ],
    ],
    [
      { nodeAllocatableUpdatePeriodSeconds: 9 },
      ['spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds'],
    ],
  ])('%j', (spec, expected) => expect(problemsOf(csiDrivers, { metadata: { name: 'd' }, spec })).toEqual(expected));
});

describe('validation of CSI nodes', () => {
  const node = (...drivers: object[]): object => ({ metadata: { name: 'n' }, spec: { drivers } });
  const driver = { name: 'd', nodeID: 'n', topologyKeys: ['zone'], allocatable: { count: 1 } };

  it.each<[object, string[]]>([
    [node(driver), []],
    [
      node({ name: '', nodeID: '', topologyKeys: ['a', 'a'], allocatable: { count: -1 } }),
      [
        'spec.drivers[0].name: Required value',
        'spec.drivers[0].nodeID: Required value',
        'spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
        'spec.drivers[0]: Duplicate value: "a"',
      ],
    ],
    [node(driver, driver), ['spec.drivers[1].name: Duplicate value: "d"']],
  ])('%j', (body, expected) => expect(problemsOf(csiNodes, body)).toEqual(expected));

  it('lets the limit of a driver change, and nothing else', () => {
    expect(updateProblemsOf(csiNodes, node(driver), node({ ...driver, allocatable: { count: 2 } }))).toEqual([]);
    expect(updateProblemsOf(csiNodes, node(driver), node({ ...driver, nodeID: 'm' }))).toEqual([
      'spec.drivers: Invalid value: {"Name":"d","NodeID":"m","TopologyKeys":["zone"],"Allocatable":null}: field is immutable',
    ]);
  });
});

describe('provisioners', () => {
  it.each(['example.com/Driver', 'Driver_1'])('%s is named as labels are', (provisioner) => {
    expect(problemsOf(storageClasses, { provisioner })).toEqual([]);
  });

  it('have no spaces', () => {
    expect(problemsOf(storageClasses, { provisioner: 'a b' })).toEqual([
      expect.stringContaining('provisioner: Invalid value: "a b": name part must consist of'),
    ]);
  });
});

describe('topologies of storage classes', () => {
  it.each<[object, string[]]>([
    [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }, []],
    [{}, ['allowedTopologies[0].matchLabelExpressions: Required value']],
    [
      { matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }, { key: 'zone' }] },
      [
        'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
        'allowedTopologies[0].matchLabelExpressions[1].values: Required value',
        'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"',
      ],
    ],
  ])('%j', (term, expected) => {
    expect(problemsOf(storageClasses, { provisioner: 'p', allowedTopologies: [term] })).toEqual(expected);
  });
});
