import { type V2MetricSpec, type V2MetricStatus } from '#api';

/** Metrics as `autoscaling/v1` writes them into annotations: flat, each kind with names of its own. */
type Json = Record<string, unknown>;

interface Source {
  describedObject?: unknown;
  metric?: { name: string; selector?: unknown };
  target?: Values;
  current?: Values;
  name?: string;
  container?: string;
}

interface Values {
  type?: string;
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}

const kinds = {
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
  External: 'external',
} as const;

export function metricToV1(metric: V2MetricSpec): Json {
  return flatten(metric, 'target');
}

export function statusToV1(metric: V2MetricStatus): Json {
  return flatten(metric, 'current');
}

export function metricFromV1(metric: Json): V2MetricSpec {
  return nest(metric, 'target') as unknown as V2MetricSpec;
}

export function statusFromV1(metric: Json): V2MetricStatus {
  return nest(metric, 'current') as unknown as V2MetricStatus;
}

function flatten(metric: { type: string }, which: 'target' | 'current'): Json {
  const key = kinds[metric.type as keyof typeof kinds] as (typeof kinds)[keyof typeof kinds] | undefined;
  const source = key === undefined ? undefined : (metric as unknown as Record<string, Source | undefined>)[key];
  if (key === undefined || source === undefined) return { type: metric.type };
  const values = source[which] ?? {};
  const prefixed = which === 'target' ? 'target' : 'current';
  const flat: Json = {};
  switch (key) {
    case 'object':
      flat['target'] = source.describedObject;
      flat['metricName'] = source.metric?.name;
      flat[`${prefixed}Value`] = values.value ?? '0';
      flat['averageValue'] = values.averageValue;
      flat['selector'] = source.metric?.selector;
      break;
    case 'pods':
      flat['metricName'] = source.metric?.name;
      flat[`${prefixed}AverageValue`] = values.averageValue;
      flat['selector'] = source.metric?.selector;
      break;
    case 'external':
      flat['metricName'] = source.metric?.name;
      flat['metricSelector'] = source.metric?.selector;
      flat[`${prefixed}Value`] = values.value;
      flat[`${prefixed}AverageValue`] = values.averageValue;
      break;
    default:
      flat['name'] = source.name;
      flat[`${prefixed}AverageUtilization`] = values.averageUtilization;
      flat[`${prefixed}AverageValue`] = values.averageValue;
      if (key === 'containerResource') flat['container'] = source.container;
  }
  return { type: metric.type, [key]: flat };
}

function nest(metric: Json, which: 'target' | 'current'): Json {
  const type = metric['type'] as keyof typeof kinds;
  const key = kinds[type] as (typeof kinds)[keyof typeof kinds] | undefined;
  const flat = key === undefined ? undefined : (metric[key] as Json | undefined);
  if (key === undefined || flat === undefined) return { type };
  const value = flat[`${which}Value`] as string | undefined;
  const averageValue = (flat[`${which}AverageValue`] ?? (key === 'object' ? flat['averageValue'] : undefined)) as
    string | undefined;
  const averageUtilization = flat[`${which}AverageUtilization`] as number | undefined;
  const values: Values = {
    ...(which === 'target' ? { type: targetType(averageUtilization, averageValue) } : {}),
    ...(value === undefined || (key === 'object' && averageValue !== undefined) ? {} : { value }),
    ...(averageValue === undefined ? {} : { averageValue }),
    ...(averageUtilization === undefined ? {} : { averageUtilization }),
  };
  if (key === 'resource' || key === 'containerResource') {
    const container = flat['container'] === undefined ? {} : { container: flat['container'] };
    return { type, [key]: { name: flat['name'], ...container, [which]: values } };
  }
  const selector = flat[key === 'external' ? 'metricSelector' : 'selector'];
  const named = { name: flat['metricName'], ...(selector === undefined ? {} : { selector }) };
  const described = key === 'object' ? { describedObject: flat['target'] } : {};
  return { type, [key]: { ...described, metric: named, [which]: values } };
}

function targetType(averageUtilization: number | undefined, averageValue: string | undefined): string {
  if (averageUtilization !== undefined) return 'Utilization';
  return averageValue === undefined ? 'Value' : 'AverageValue';
}
