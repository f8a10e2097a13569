import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerStatus,
  type V2HorizontalPodAutoscaler,
  type V2MetricSpec,
  type V2MetricStatus,
} from '#api';
import { type DeepReadonly, type ObjectMeta } from '#machinery';
import { behaviorFromText, behaviorToText } from './behavior-text';
import { metricFromV1, metricToV1, statusFromV1, statusToV1 } from './metric-text';

/** Where `autoscaling/v1` keeps what it has no fields for. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';

export function hasMetricsAnnotation(metadata: DeepReadonly<ObjectMeta> | undefined): boolean {
  return metadata?.annotations?.[METRICS] !== undefined;
}

/** Parts that are not converted are shared with the input unless they are copied: the result is a copy. */
export function toV2(autoscaler: DeepReadonly<HorizontalPodAutoscaler>): V2HorizontalPodAutoscaler {
  const { metadata, spec, status } = structuredClone(autoscaler) as HorizontalPodAutoscaler;
  const take = takeAnnotations(metadata ?? {});
  const converted: Partial<V2HorizontalPodAutoscaler> = {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata,
  };
  const metrics = (take(METRICS) as Record<string, unknown>[] | undefined)?.map((metric) => metricFromV1(metric)) ?? [];
  const currentMetrics = (take(CURRENT_METRICS) as Record<string, unknown>[] | undefined)?.map(statusFromV1);
  const conditions = take(CONDITIONS);
  const behavior = behaviorFromText(take(BEHAVIOR));
  if (spec !== undefined) {
    const { targetCPUUtilizationPercentage: percent, ...rest } = spec;
    if (percent !== undefined) metrics.unshift(cpuMetric(percent));
    converted.spec = {
      ...rest,
      ...(metrics.length > 0 ? { metrics } : {}),
      ...(behavior === undefined ? {} : { behavior }),
    };
  }
  if (status !== undefined) {
    const { currentCPUUtilizationPercentage: percent, ...rest } = status;
    const current = currentMetrics ?? (percent === undefined ? null : [cpuStatus(percent)]);
    converted.status = {
      ...rest,
      // Written even when there are none.
      currentMetrics: current as V2MetricStatus[],
      ...(conditions === undefined ? {} : { conditions: conditions as never }),
    };
    if (converted.status.currentReplicas === 0) delete converted.status.currentReplicas;
  }
  return converted as V2HorizontalPodAutoscaler;
}

export function toV1(autoscaler: DeepReadonly<V2HorizontalPodAutoscaler>): HorizontalPodAutoscaler {
  const { metadata = {}, spec, status } = structuredClone(autoscaler) as V2HorizontalPodAutoscaler;
  const converted: Partial<HorizontalPodAutoscaler> = {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v1',
    metadata,
  };
  const annotations: Record<string, string> = {};
  if (spec !== undefined) {
    const { metrics = [], behavior, ...rest } = spec;
    const cpu = metrics.find(isCpuUtilization);
    const others = metrics.filter((metric) => metric !== cpu);
    if (others.length > 0) annotations[METRICS] = JSON.stringify(others.map(metricToV1));
    if (behavior !== undefined) annotations[BEHAVIOR] = behaviorToText(behavior);
    const percent = cpu?.resource?.target.averageUtilization;
    converted.spec = { ...rest, ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }) };
  }
  if (status !== undefined) {
    const { currentMetrics, conditions, currentReplicas = 0, ...rest } = status;
    // Go's null for a list that nobody wrote.
    const current = (currentMetrics as V2MetricStatus[] | null | undefined) ?? [];
    const percent = current.find(({ resource }) => resource?.name === 'cpu')?.resource?.current.averageUtilization;
    if (current.length > 0) annotations[CURRENT_METRICS] = JSON.stringify(current.map(statusToV1));
    if ((conditions ?? []).length > 0) annotations[CONDITIONS] = JSON.stringify(conditions);
    const v1: HorizontalPodAutoscalerStatus = { ...rest, currentReplicas };
    if (percent !== undefined) v1.currentCPUUtilizationPercentage = percent;
    converted.status = v1;
  }
  if (Object.keys(annotations).length > 0) metadata.annotations = { ...metadata.annotations, ...annotations };
  return converted as HorizontalPodAutoscaler;
}

function isCpuUtilization({ type, resource }: V2MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

function cpuMetric(averageUtilization: number): V2MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function cpuStatus(averageUtilization: number): V2MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } };
}

/** Reads and removes annotations. One that does not parse is dropped, as upstream does. */
function takeAnnotations(metadata: ObjectMeta): (name: string) => unknown {
  return (name) => {
    const text = metadata.annotations?.[name];
    if (text === undefined || metadata.annotations === undefined) return undefined;
    const { [name]: _taken, ...rest } = metadata.annotations;
    if (Object.keys(rest).length > 0) metadata.annotations = rest;
    else delete metadata.annotations;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  };
}
