import { pods } from '../kinds/pods/pods';
import { planDeletion } from './deletion';

const noon = Date.parse('2026-01-01T12:00:00Z');
const at = (seconds: number): string => `2026-01-01T12:00:${String(seconds).padStart(2, '0')}Z`;

/** What a request does to a pod that runs on a node, in a few words. */
function outcome(grace: number | undefined, metadata: object): string {
  const pod = { metadata: { name: 'a', ...metadata }, spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 } };
  const options = grace === undefined ? {} : { gracePeriodSeconds: grace };
  const step = planDeletion(pods, pod, options, noon);
  if (step.type === 'pending' || step.type === 'remove') return step.type;
  const { deletionTimestamp, deletionGracePeriodSeconds } = step.metadata;
  return `${step.type} ${deletionTimestamp} ${deletionGracePeriodSeconds}`;
}

describe('the deletion of a pod', () => {
  const going = { deletionTimestamp: at(30), deletionGracePeriodSeconds: 30 };
  const marked = { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 };
  const finalizers = ['example.org/a'];

  it.each([
    ['begins with the grace that the pod has', undefined, {}, `mark ${at(30)} 30`],
    ['begins with the grace that is asked for', 5, {}, `mark ${at(5)} 5`],
    ['is done at once without grace', 0, {}, `mark-and-remove ${at(0)} 0`],
    ['waits for finalizers without grace', 0, { finalizers }, `mark ${at(0)} 0`],
    ['is not hastened by a request without a wish', undefined, going, 'pending'],
    ['is not slowed down', 40, going, 'pending'],
    ['is hastened', 5, going, `mark ${at(5)} 5`],
    ['ends when its node says so', 0, going, `mark-and-remove ${at(0)} 0`],
    ['that stopped between its two steps is made up for', 0, marked, 'remove'],
    ['that stopped between its two steps is made up for by anybody', undefined, marked, 'remove'],
    ['that was marked by somebody who knows no grace is done', undefined, { deletionTimestamp: at(0) }, 'remove'],
    ['that waits for finalizers goes on waiting', 0, { ...marked, finalizers }, 'pending'],
  ])('%s', (_, grace, metadata, expected) => {
    expect(outcome(grace, metadata)).toBe(expected);
  });
});
