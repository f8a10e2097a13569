import { compareQuantities, parseQuantity } from '#machinery';
import { type PodObject } from './pod-containers';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

/** The pod's quality-of-service class; only CPU and memory count. */
export function qosClassOf(pod: PodObject): QosClass {
  if (pod.status?.qosClass !== undefined) return pod.status.qosClass as QosClass;
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  let hasAny = false;
  let isGuaranteed = containers.length > 0;
  for (const { resources } of containers) {
    for (const name of counted) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (isPositive(limit) || isPositive(request)) hasAny = true;
      if (limit === undefined || request === undefined || !isPositive(limit)) isGuaranteed = false;
      else if (compareQuantities(parseQuantity(limit), parseQuantity(request)) !== 0) isGuaranteed = false;
    }
  }
  if (!hasAny) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function isPositive(quantity: string | undefined): boolean {
  return quantity !== undefined && parseQuantity(quantity).nanos > 0n;
}
