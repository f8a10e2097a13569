import { revisionOf } from './revision';
import { type Rollout, type SetView } from './rollout';

const unlimited = 2147483647;

/** Old sets beyond `revisionHistoryLimit`, the oldest revisions first. Those with pods, or not yet seen by their controller, stay. */
export function cleanableSets({ deployment, oldSets }: Rollout): SetView[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? unlimited;
  if (limit === unlimited) return [];
  const candidates = oldSets.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  return candidates
    .sort((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, Math.max(0, candidates.length - limit))
    .filter(
      ({ metadata, spec, status }) =>
        (status?.replicas ?? 0) === 0 &&
        (spec?.replicas ?? 1) === 0 &&
        (metadata?.generation ?? 0) <= (status?.observedGeneration ?? 0),
    );
}
