import { problemsOf } from '../common/strategy.fixture';
import { flowSchemas, priorityLevelConfigurations } from './flow-control';

describe('validation of flow schemas', () => {
  const priorityLevelConfiguration = { name: 'p' };
  const problems = (rule: object): string[] =>
    problemsOf(flowSchemas, { metadata: { name: 'f' }, spec: { priorityLevelConfiguration, rules: [rule] } });
  const subjects = [{ kind: 'Group', group: { name: 'g' } }];
  const resourceRules = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }];

  it.each<[object, string[]]>([
    [{ subjects, resourceRules }, []],
    [
      { subjects: [{ kind: 'Odd' }, { kind: 'User', group: { name: 'g' } }], resourceRules },
      [
        'spec.rules[0].subjects[0].kind: Unsupported value: "Odd": supported values: "Group", "ServiceAccount", "User"',
        `spec.rules[0].subjects[1].user: Required value: user is required when subject kind is 'User'`,
        `spec.rules[0].subjects[1].group: Forbidden: group is forbidden when subject kind is not 'Group'`,
      ],
    ],
    [
      { subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: '' } }], resourceRules },
      [
        'spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account',
      ],
    ],
    [
      { subjects, resourceRules: [{ verbs: ['odd'], apiGroups: [], resources: ['*', 'pods'], namespaces: [] }] },
      [
        'spec.rules[0].resourceRules[0].verbs: Unsupported value: ["odd"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
        'spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group',
        `spec.rules[0].resourceRules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources`,
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    [
      { subjects, nonResourceRules: [{ verbs: ['*', 'get'], nonResourceURLs: ['x', '/a//b', '/*/b', '/ok/*'] }] },
      [
        `spec.rules[0].nonResourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "x": must start with slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "/a//b": must not contain double slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: "/*/b": wildcard can only do suffix matching',
      ],
    ],
  ])('%j', (rule, expected) => expect(problems(rule)).toEqual(expected));
});

describe('validation of priority levels', () => {
  const level = (spec: object, name = 'p'): string[] =>
    problemsOf(priorityLevelConfigurations, { metadata: { name }, spec });
  const limited = (limits: object): string[] =>
    level({ type: 'Limited', limited: { limitResponse: { type: 'Reject' }, ...limits } });
  const queuing = (queues: number, handSize: number): object => ({
    limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
  });
  const hand = 'spec.limited.limitResponse.queuing.handSize: Invalid value:';

  it.each<[object, string[]]>([
    [{}, []],
    [
      { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1 },
      [
        'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
        'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
        'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
      ],
    ],
    [
      { limitResponse: { type: 'Reject', queuing: {} } },
      ['spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited'],
    ],
    [queuing(64, 8), []],
    [queuing(4, 8), [`${hand} 8: should not be greater than queues (4)`]],
    [
      queuing(512, 8),
      [`${hand} 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60`],
    ],
  ])('%j', (limits, expected) => expect(limited(limits)).toEqual(expected));

  it('exempts one level alone', () => {
    expect(level({ type: 'Exempt' }, 'exempt')).toEqual([]);
    expect(level({ type: 'Exempt' })).toEqual([
      `spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'`,
    ]);
  });
});
