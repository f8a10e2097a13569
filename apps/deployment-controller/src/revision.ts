import { type DeploymentView, type SetView } from './rollout';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const historyAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

/** What is the Deployment's own, and is not copied to its sets. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

/** Upstream's limit on the length of the history annotation. */
const historyLimit = 2000;

/** The set's revision; 0 where the annotation is missing or no number. */
export function revisionOf(set: SetView): number {
  const text = set.metadata?.annotations?.[revisionAnnotation] ?? '';
  return /^\d+$/.test(text) ? Number(text) : 0;
}

export function nextRevision(oldSets: readonly SetView[]): number {
  return Math.max(0, ...oldSets.map(revisionOf)) + 1;
}

/** The number in one of the annotations, if there is one. */
export function countIn(set: SetView, annotation: string): number | undefined {
  const text = set.metadata?.annotations?.[annotation];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Annotations of the newest set: the Deployment's, and its revision. A set that returns (rollback) gets a new revision, and the
 * old one goes into its history. Never lowers a revision: old sets may have been deleted meanwhile.
 */
export function newSetAnnotations(
  deployment: DeploymentView,
  set: SetView | undefined,
  revision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...set?.metadata?.annotations };
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!notCopied.has(name)) annotations[name] = value;
  }
  const current = annotations[revisionAnnotation];
  if (set !== undefined && revisionOf(set) >= revision) return annotations;
  annotations[revisionAnnotation] = String(revision);
  if (current !== undefined) annotations[historyAnnotation] = appendHistory(annotations[historyAnnotation], current);
  return annotations;
}

function appendHistory(history: string | undefined, revision: string): string {
  const revisions = history === undefined || history === '' ? [] : history.split(',');
  revisions.push(revision);
  while (revisions.length > 1 && revisions.join(',').length > historyLimit) revisions.shift();
  return revisions.join(',');
}
