import { type V2HorizontalPodAutoscaler, type V2MetricTarget, type V2MetricValueStatus } from '#api';
import { type DeepReadonly } from '#machinery';
import { NONE } from '../common/text';

const SHOWN = 2;
const UNKNOWN = '<unknown>';

type Target = DeepReadonly<V2MetricTarget> | undefined;
type Current = DeepReadonly<V2MetricValueStatus> | undefined;

/** What each metric is, and what it should be: `cpu: 43%/80%`. */
export function targetsText({ spec, status }: DeepReadonly<V2HorizontalPodAutoscaler>): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return NONE;
  const texts = metrics.map((metric, index) => {
    const current = status?.currentMetrics?.[index];
    switch (metric.type) {
      case 'External':
        return valueText(metric.external?.target, current?.external?.current);
      case 'Object':
        return valueText(metric.object?.target, current?.object?.current);
      case 'Pods':
        return `${current?.pods?.current.averageValue ?? UNKNOWN}/${metric.pods?.target.averageValue ?? ''}`;
      case 'Resource':
        return resourceText(metric.resource, current?.resource?.current);
      case 'ContainerResource':
        return resourceText(metric.containerResource, current?.containerResource?.current);
      default:
        return '<unknown type>';
    }
  });
  const shown = texts.slice(0, SHOWN).join(', ');
  return texts.length > SHOWN ? `${shown} + ${texts.length - SHOWN} more...` : shown;
}

function valueText(target: Target, current: Current): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
  return `${current?.value ?? UNKNOWN}/${target?.value ?? ''}`;
}

function resourceText(
  metric: { readonly name: string; readonly target: NonNullable<Target> } | undefined,
  current: Current,
): string {
  const { name = '', target } = metric ?? {};
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
  const percent = (value: number | undefined, otherwise: string): string =>
    value === undefined ? otherwise : `${value}%`;
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(target?.averageUtilization, '<auto>')}`;
}
