import { type HorizontalPodAutoscaler, type V2HorizontalPodAutoscaler } from '#api';
import { defaulted, row } from '../common/strategy.fixture';
import { toV1, toV2 } from './conversion';
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from './horizontal-pod-autoscalers';

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const cpu = (averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

function v2(spec: object, status?: object): V2HorizontalPodAutoscaler {
  const body = { metadata: { name: 'h' }, spec: { maxReplicas: 3, scaleTargetRef, ...spec }, status };
  return defaulted(horizontalPodAutoscalers, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    ...body,
  });
}

describe('defaults of autoscalers', () => {
  it('keep the CPU at 80 %', () => {
    expect(v2({}).spec).toMatchObject({ minReplicas: 1, metrics: [cpu(80)] });
    expect(defaulted(horizontalPodAutoscalersV1, { spec: { maxReplicas: 3, scaleTargetRef } }).spec).toMatchObject({
      minReplicas: 1,
      targetCPUUtilizationPercentage: 80,
    });
  });

  it('complete behaviour in both directions if one is given', () => {
    const { behavior } = v2({ behavior: { scaleUp: { selectPolicy: 'Min' } } }).spec;
    expect(behavior?.scaleUp).toEqual({
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Min',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    });
    expect(behavior?.scaleDown).toEqual({
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    });
  });
});

describe('conversion of autoscalers', () => {
  it('reads the CPU percentage of v1 as a metric and back', () => {
    const v1 = defaulted(horizontalPodAutoscalersV1, {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h', annotations: { mine: 'yes' } },
      spec: { maxReplicas: 3, scaleTargetRef, targetCPUUtilizationPercentage: 55 },
      status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 70 },
    });
    const converted = toV2(v1);
    expect(converted.spec.metrics).toEqual([cpu(55)]);
    const back: HorizontalPodAutoscaler = toV1(converted);
    const { annotations, ...metadata } = back.metadata ?? {};
    expect(annotations?.['mine']).toBe('yes');
    expect({ ...back, metadata }).toEqual({ ...v1, metadata: { name: 'h' } });
  });

  it.each<[string, object]>([
    [
      'several metrics',
      {
        metrics: [
          cpu(60),
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
        ],
      },
    ],
    [
      'pods',
      {
        metrics: [
          { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '5' } } },
        ],
      },
    ],
    [
      'an object',
      {
        metrics: [
          {
            type: 'Object',
            object: {
              describedObject: { kind: 'Service', name: 's' },
              metric: { name: 'm', selector: { matchLabels: { a: 'b' } } },
              target: { type: 'Value', value: '10' },
            },
          },
        ],
      },
    ],
    [
      'something outside',
      {
        metrics: [
          {
            type: 'External',
            external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '500m' } },
          },
        ],
      },
    ],
    [
      'one container',
      {
        metrics: [
          {
            type: 'ContainerResource',
            containerResource: {
              name: 'cpu',
              container: 'main',
              target: { type: 'Utilization', averageUtilization: 60 },
            },
          },
        ],
      },
    ],
    ['behaviour', { metrics: [cpu(60)], behavior: { scaleUp: { selectPolicy: 'Min' } } }],
  ])('loses nothing by way of v1: %s', (_name, spec) => {
    const autoscaler = v2(spec);
    const byV1 = toV2(toV1(autoscaler));
    expect(byV1.spec).toEqual(autoscaler.spec);
    expect(byV1.metadata).toEqual(autoscaler.metadata);
  });

  it('drops an annotation that does not parse', () => {
    const annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '{' };
    const v1 = { metadata: { name: 'h', annotations }, spec: { maxReplicas: 3, scaleTargetRef } };
    expect(toV2(v1).spec).not.toHaveProperty('metrics');
  });
});

describe('the table of autoscalers', () => {
  it.each<[object[], object[] | undefined, string]>([
    [[cpu(80)], undefined, 'cpu: <unknown>/80%'],
    [[cpu(80)], [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 43 } } }], 'cpu: 43%/80%'],
    [[cpu(1), cpu(2), cpu(3)], undefined, 'cpu: <unknown>/1%, cpu: <unknown>/2% + 1 more...'],
    [
      [{ type: 'External', external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } } }],
      undefined,
      '<unknown>/5 (avg)',
    ],
  ])('%j %j: %s', (metrics, currentMetrics, text) => {
    const shown = row(
      horizontalPodAutoscalers,
      v2({ metrics }, { currentMetrics, desiredReplicas: 1, currentReplicas: 2 }),
    );
    expect(shown).toMatchObject({ Reference: 'Deployment/web', Targets: text, MinPods: '1', MaxPods: 3, Replicas: 2 });
  });
});
