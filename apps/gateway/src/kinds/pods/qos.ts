import { type Container, type PodSpec } from '#api';
import { compareQuantities, type DeepReadonly, parseQuantity, type Quantity } from '#machinery';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const RESOURCES = ['cpu', 'memory'] as const;

type Lists = DeepReadonly<{ limits?: Record<string, string>; requests?: Record<string, string> }> | undefined;

/**
 * The quality-of-service class of a pod, by CPU and memory only: *Guaranteed* if everything is limited and requested alike,
 * *BestEffort* if nothing is limited or requested. What the pod says as a whole replaces what its containers say.
 */
export function qosClassOf(spec: DeepReadonly<PodSpec>): QosClass {
  const podLevel = hasAmounts(spec.resources) ? [spec.resources] : undefined;
  const containers: DeepReadonly<Container>[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const all = podLevel ?? containers.map((container) => container.resources);
  if (!all.some(hasAmounts)) return 'BestEffort';
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function amount(list: DeepReadonly<Record<string, string>> | undefined, name: string): Quantity | undefined {
  const text = list?.[name];
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity !== undefined && quantity.nanos > 0n ? quantity : undefined;
}

function hasAmounts(lists: Lists): boolean {
  return RESOURCES.some(
    (name) => amount(lists?.limits, name) !== undefined || amount(lists?.requests, name) !== undefined,
  );
}

function isGuaranteed(lists: Lists): boolean {
  return RESOURCES.every((name) => {
    const limit = amount(lists?.limits, name);
    const request = amount(lists?.requests, name) ?? limit;
    return limit !== undefined && request !== undefined && compareQuantities(limit, request) === 0;
  });
}
