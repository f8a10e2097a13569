import { type NamespaceCondition } from '#api';
import { type DeepReadonly } from '#machinery';

/** What one pass over a namespace's content found. */
export interface Findings {
  readonly discoveryFailures: readonly string[];
  readonly deletionFailures: readonly string[];
  /** `pods.` (the core group is empty) → how many objects. */
  readonly remaining: ReadonlyMap<string, number>;
  readonly finalizers: ReadonlyMap<string, number>;
}

type Verdict = readonly [
  type: string,
  failed: boolean,
  failure: readonly [reason: string, message: string],
  success: readonly [reason: string, message: string],
];

/** Upstream's five conditions of a namespace that is going away, in its words. */
export function deletionConditions(
  findings: Findings,
  current: readonly DeepReadonly<NamespaceCondition>[],
  now: string,
): NamespaceCondition[] {
  const verdicts: Verdict[] = [
    [
      'NamespaceDeletionDiscoveryFailure',
      findings.discoveryFailures.length > 0,
      [
        'DiscoveryFailed',
        `Discovery failed for some groups, ${findings.discoveryFailures.length} failing: ${findings.discoveryFailures.join(', ')}`,
      ],
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      ['GroupVersionParsingFailed', ''],
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ],
    [
      'NamespaceDeletionContentFailure',
      findings.deletionFailures.length > 0,
      [
        'ContentDeletionFailed',
        `Failed to delete all resource types, ${findings.deletionFailures.length} remaining: ${findings.deletionFailures.join(', ')}`,
      ],
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ],
    [
      'NamespaceContentRemaining',
      findings.remaining.size > 0,
      [
        'SomeResourcesRemain',
        `Some resources are remaining: ${sorted(findings.remaining, (name, count) => `${name} has ${count} resource instances`)}`,
      ],
      ['ContentRemoved', 'All content successfully removed'],
    ],
    [
      'NamespaceFinalizersRemaining',
      findings.finalizers.size > 0,
      [
        'SomeFinalizersRemain',
        `Some content in the namespace has finalizers remaining: ${sorted(findings.finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
      ],
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ],
  ];
  return verdicts.map(([type, failed, failure, success]) => {
    const [reason, message] = failed ? failure : success;
    const status = failed ? 'True' : 'False';
    const old = current.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now;
    return { type, status, lastTransitionTime, reason, message };
  });
}

function sorted(counts: ReadonlyMap<string, number>, describe: (name: string, count: number) => string): string {
  return [...counts]
    .map(([name, count]) => describe(name, count))
    .sort()
    .join(', ');
}
