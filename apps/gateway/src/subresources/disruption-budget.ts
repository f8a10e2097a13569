import { type Pod, type PodDisruptionBudget } from '#api';
import { type DeepReadonly, type KubernetesObject, formatTime, labelSelectorMatcher } from '#machinery';
import { type ServedResource } from '../registry/served-resource';
import { type WriteContext } from '../registry/write-context';
import { type Writer } from '../registry/writer';

type Budget = DeepReadonly<PodDisruptionBudget>;

/** The budgets that cover a pod. */
export function budgetOf(budgets: ServedResource, pod: DeepReadonly<Pod>): Budget[] {
  const found: Budget[] = [];
  for (const { object } of budgets.cache.range(budgets.keyPrefix(pod.metadata?.namespace ?? ''))) {
    const budget = object as Budget;
    const matcher = labelSelectorMatcher(budget.spec?.selector);
    if (matcher.matches(pod.metadata?.labels ?? {})) found.push(budget);
  }
  return found;
}

/** Counts one disruption. False if the budget does not allow it, or has not been computed for its latest spec. */
export async function takeFromBudget(
  writer: Writer,
  budgets: ServedResource,
  budget: Budget,
  pod: string,
  context: WriteContext,
  nowMs: number,
): Promise<boolean> {
  let allowed = false;
  const name = budget.metadata?.name ?? '';
  await writer.modify(budgets, name, { ...context, name }, (old) => {
    const current = old as Budget;
    const { status } = current;
    allowed =
      (status?.disruptionsAllowed ?? 0) > 0 && (status?.observedGeneration ?? 0) >= (current.metadata?.generation ?? 0);
    if (!allowed) return undefined;
    return {
      ...current,
      status: {
        ...status,
        disruptionsAllowed: (status?.disruptionsAllowed ?? 0) - 1,
        disruptedPods: { ...status?.disruptedPods, [pod]: formatTime(nowMs) },
      },
    } as KubernetesObject;
  });
  return allowed;
}
