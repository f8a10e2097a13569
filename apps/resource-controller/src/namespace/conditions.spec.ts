import { deletionConditions, type Findings } from './conditions';

const clean: Findings = { discoveryFailures: [], deletionFailures: [], remaining: new Map(), finalizers: new Map() };

describe('conditions of a namespace that is going away', () => {
  it('say what remains and what holds it', () => {
    const findings = {
      ...clean,
      remaining: new Map([
        ['pods.', 2],
        ['configmaps.', 1],
      ]),
      finalizers: new Map([['example.com/x', 1]]),
    };
    expect(
      deletionConditions(findings, [], 'now').map(({ type, status, message }) => `${type} ${status} ${message}`),
    ).toEqual([
      'NamespaceDeletionDiscoveryFailure False All resources successfully discovered',
      'NamespaceDeletionGroupVersionParsingFailure False All legacy kube types successfully parsed',
      'NamespaceDeletionContentFailure False All content successfully deleted, may be waiting on finalization',
      'NamespaceContentRemaining True Some resources are remaining: configmaps. has 1 resource instances, pods. has 2 resource instances',
      'NamespaceFinalizersRemaining True Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances',
    ]);
  });

  it('keep their transition time until the status changes', () => {
    const first = deletionConditions({ ...clean, remaining: new Map([['pods.', 2]]) }, [], 'then');
    const second = deletionConditions({ ...clean, remaining: new Map([['pods.', 1]]) }, first, 'later');
    const third = deletionConditions(clean, second, 'at last');
    const time = (conditions: typeof first): string | undefined =>
      conditions.find(({ type }) => type === 'NamespaceContentRemaining')?.lastTransitionTime;
    expect([time(second), time(third)]).toEqual(['then', 'at last']);
  });
});
