import { type Taint, type Toleration } from '#api';
import { type DeepReadonly, isTolerated, tolerates } from '#machinery';

/**
 * How many seconds a pod may stay on a node with these `NoExecute` taints: 0 if it does not tolerate one of them, Infinity
 * if it tolerates all without limit, otherwise the shortest of the limits that apply.
 */
export function toleranceSeconds(
  taints: readonly DeepReadonly<Taint>[],
  tolerations: readonly DeepReadonly<Toleration>[],
): number {
  if (!taints.every((taint) => isTolerated(tolerations, taint))) return 0;
  const limits = tolerations
    .filter((toleration) => taints.some((taint) => tolerates(toleration, taint)))
    .map((toleration) => toleration.tolerationSeconds ?? Infinity);
  return Math.max(0, Math.min(...limits));
}
