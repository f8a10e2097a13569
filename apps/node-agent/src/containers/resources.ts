import { milliValue, parseQuantity, wholeValue } from '#machinery';
import { type ContainerResources } from '#runtime';
import { type ContainerSpec, type PodObject } from '../pods/pod-containers';
import { qosClassOf } from '../pods/qos';

const period = 100_000;
const systemNodeCritical = 2_000_001_000;

/** What cgroups enforce for a container; the runtime translates shares into weights on cgroup v2. */
export function containerResources(
  pod: PodObject,
  container: ContainerSpec,
  memoryCapacity: number,
): ContainerResources {
  const { limits, requests } = container.resources ?? {};
  const cpuLimit = milli(limits?.cpu);
  const cpuRequest = milli(requests?.cpu) || cpuLimit;
  const memoryLimit = bytes(limits?.memory);
  return {
    cpuShares: Math.min(262_144, Math.max(2, Math.floor((cpuRequest * 1024) / 1000))),
    ...(cpuLimit === 0 ? {} : { cpuPeriod: period, cpuQuota: Math.max(1000, Math.floor((cpuLimit * period) / 1000)) }),
    ...(memoryLimit === 0 ? {} : { memoryLimitBytes: memoryLimit }),
    oomScoreAdj: oomScoreAdjust(pod, container, memoryCapacity),
  };
}

/** Who the kernel kills first when the node runs out of memory. */
export function oomScoreAdjust(pod: PodObject, container: ContainerSpec, memoryCapacity: number): number {
  if ((pod.spec?.priority ?? 0) >= systemNodeCritical) return -997;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const { limits, requests } = container.resources ?? {};
  const adjust = 1000 - Math.floor((1000 * bytes(requests?.memory ?? limits?.memory)) / memoryCapacity);
  return Math.min(999, Math.max(3, adjust));
}

function milli(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(milliValue(parseQuantity(quantity)));
}

function bytes(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(wholeValue(parseQuantity(quantity)));
}
