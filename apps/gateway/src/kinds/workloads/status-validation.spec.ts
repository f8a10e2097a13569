import { formatFieldError } from '#machinery';
import {
  daemonSetStatus,
  deploymentStatus,
  statefulSetStatus,
  type StatusRules,
  validateStatus,
} from './status-validation';

describe('status of workloads', () => {
  it.each<[string, StatusRules, object, object, string[]]>([
    ['nothing yet', deploymentStatus, {}, {}, []],
    ['numbers that fit', deploymentStatus, { replicas: 2, readyReplicas: 2, availableReplicas: 1 }, {}, []],
    [
      'more available than ready',
      deploymentStatus,
      { replicas: 2, readyReplicas: 1, availableReplicas: 2 },
      {},
      ['status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas'],
    ],
    [
      'more ready than there are',
      statefulSetStatus,
      { replicas: 1, readyReplicas: 2, availableReplicas: 1 },
      {},
      ['status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas'],
    ],
    [
      'fewer than none',
      daemonSetStatus,
      { numberReady: -1 },
      {},
      ['status.numberReady: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'fewer collisions than before',
      deploymentStatus,
      { collisionCount: 1 },
      { collisionCount: 2 },
      ['status.collisionCount: Invalid value: 1: cannot be decremented'],
    ],
    [
      'forgotten collisions',
      daemonSetStatus,
      {},
      { collisionCount: 2 },
      ['status.collisionCount: Invalid value: null: cannot be decremented'],
    ],
  ])('%s', (_name, rules, status, old, expected) => {
    expect(
      validateStatus(rules, status as Record<string, unknown>, old as Record<string, unknown>).map(formatFieldError),
    ).toEqual(expected);
  });
});
