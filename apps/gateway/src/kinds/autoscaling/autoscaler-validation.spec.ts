import { problemsOf, updateProblemsOf } from '../common/strategy.fixture';
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from './horizontal-pod-autoscalers';

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const v2 = (spec: object): object => ({ metadata: { name: 'h' }, spec: { maxReplicas: 3, scaleTargetRef, ...spec } });
const problems = (spec: object): string[] => problemsOf(horizontalPodAutoscalers, v2(spec));
const metric = (source: object): string[] => problems({ metrics: [source] });
const supported = '"ContainerResource", "External", "Object", "Pods", "Resource"';

describe('validation of autoscalers', () => {
  it('accepts what the defaults make of a target and a maximum', () => {
    expect(problems({})).toEqual([]);
    expect(problemsOf(horizontalPodAutoscalersV1, v2({}))).toEqual([]);
  });

  it.each<[object, string[]]>([
    [
      { maxReplicas: 0 },
      [
        'spec.maxReplicas: Required value: must be set and greater than 0',
        'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
      ],
    ],
    [{ minReplicas: 5 }, ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`']],
    [
      { minReplicas: 0 },
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    [
      { scaleTargetRef: { kind: 'a/b' } },
      [
        `spec.scaleTargetRef.kind: Invalid value: "a/b": may not contain '/'`,
        'spec.scaleTargetRef.name: Required value',
        'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
      ],
    ],
    [{ scaleTargetRef: { apiVersion: 'v1', kind: 'ReplicationController', name: 'w' } }, []],
    [
      { behavior: { scaleUp: { selectPolicy: 'Odd', stabilizationWindowSeconds: 3601 } } },
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Odd": supported values: "Disabled", "Max", "Min"',
      ],
    ],
    [
      { behavior: { scaleDown: { policies: [{ type: 'Odd', value: 0, periodSeconds: 1801 }] } } },
      [
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "Odd": supported values: "Percent", "Pods"',
        'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    ],
  ])('%j', (spec, expected) => expect(problems(spec)).toEqual(expected));

  it.each<[object, string[]]>([
    [
      { type: 'Odd' },
      Array.from({ length: 2 }, () => `spec.metrics[0].type: Unsupported value: "Odd": supported values: ${supported}`),
    ],
    [{ type: 'Pods' }, ['spec.metrics[0].pods: Required value: must populate information for the given metric source']],
    [
      { type: 'Resource', resource: { name: '', target: { type: 'Utilization' } } },
      [
        'spec.metrics[0].resource.name: Required value: must specify a resource name',
        'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      ],
    ],
    [
      { type: 'Pods', pods: { metric: { name: 'a/b' }, target: { type: 'Odd', averageValue: '0' } } },
      [
        `spec.metrics[0].pods.metric.name: Invalid value: "a/b": may not contain '/'`,
        'spec.metrics[0].pods.target.type: Invalid value: "Odd": must be either Utilization, Value, or AverageValue',
        'spec.metrics[0].pods.target.averageValue: Invalid value: "0": must be positive',
      ],
    ],
    [
      {
        type: 'External',
        external: { metric: { name: 'q' }, target: { type: 'Value', value: '1', averageValue: '1' } },
        object: {
          describedObject: { kind: 'Service', name: 's' },
          metric: { name: 'm' },
          target: { type: 'Value', value: '1' },
        },
      },
      ['spec.metrics[0].object: Forbidden: must populate the given metric source only'],
    ],
    [
      {
        type: 'ContainerResource',
        containerResource: { name: 'odd', container: '', target: { type: 'Utilization', averageUtilization: 0 } },
      },
      [
        'spec.metrics[0].containerResource.name: Invalid value: "odd": must be a standard resource type or fully qualified',
        'spec.metrics[0].containerResource.name: Invalid value: "odd": must be a standard resource for containers',
        'spec.metrics[0].containerResource.container: Required value: must specify a container',
        'spec.metrics[0].containerResource.target.averageUtilization: Invalid value: 0: must be greater than 0',
      ],
    ],
  ])('%j', (source, expected) => expect(metric(source)).toEqual(expected));

  it('checks what version 1 says in the terms of what is stored', () => {
    const body = v2({ targetCPUUtilizationPercentage: -1 });
    expect(problemsOf(horizontalPodAutoscalersV1, body)).toEqual([
      'spec.metrics[0].resource.target.averageUtilization: Invalid value: -1: must be greater than 0',
    ]);
  });

  it('lets a target without a group be that an older server let pass', () => {
    const old = v2({ scaleTargetRef: { kind: 'Deployment', name: 'web' } });
    expect(updateProblemsOf(horizontalPodAutoscalers, old, old)).toEqual([]);
  });

  it('counts no fewer than no replicas', () => {
    const reported = { ...v2({}), status: { currentReplicas: -1, desiredReplicas: -2 } };
    expect(updateProblemsOf(horizontalPodAutoscalers, v2({}), reported, 'status')).toEqual([
      'status.currentReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0',
    ]);
  });
});
