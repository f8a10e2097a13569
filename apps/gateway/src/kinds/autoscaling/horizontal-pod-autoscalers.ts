import {
  type HorizontalPodAutoscaler,
  type Resource,
  type V2HPAScalingRules,
  type V2HorizontalPodAutoscaler,
  resources,
} from '#api';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { UNSET } from '../common/text';
import { type ResourceStrategy, type TableDefinition } from '../strategy';
import { validateAutoscaler, validateAutoscalerStatus } from './autoscaler-validation';
import { hasMetricsAnnotation, toV1, toV2 } from './conversion';
import { targetsText } from './targets-text';

const CPU_PERCENT = 80;

/** Without wishes: double, or four more, every 15 s at once; down to any number, after what the controller is told to wait. */
const scaleUp = (): V2HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
});
const scaleDown = (): V2HPAScalingRules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
});

export const horizontalPodAutoscalers: ResourceStrategy<V2HorizontalPodAutoscaler> = {
  resource: resources.horizontalPodAutoscalers,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if ((spec.metrics ?? []).length === 0) {
      const target = { type: 'Utilization', averageUtilization: CPU_PERCENT };
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    }
    if (spec.behavior !== undefined) {
      spec.behavior.scaleUp = { ...scaleUp(), ...spec.behavior.scaleUp };
      spec.behavior.scaleDown = { ...scaleDown(), ...spec.behavior.scaleDown };
    }
  },

  validateCreate: (autoscaler) => validateAutoscaler(autoscaler),
  validateUpdate: (autoscaler, old) => validateAutoscaler(autoscaler, old),
  subresources: { status: { validateUpdate: validateAutoscalerStatus } },
  generation: 'none',
  table: autoscalerTable(resources.horizontalPodAutoscalers, (autoscaler) => autoscaler),
};

export const horizontalPodAutoscalersV1: ResourceStrategy<HorizontalPodAutoscaler> = {
  resource: resources.horizontalPodAutoscalersV1,

  setDefaults({ metadata, spec }) {
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if (!hasMetricsAnnotation(metadata)) spec.targetCPUUtilizationPercentage ??= CPU_PERCENT;
  },

  validateCreate: (autoscaler) => validateAutoscaler(toV2(autoscaler)),
  validateUpdate: (autoscaler, old) => validateAutoscaler(toV2(autoscaler), toV2(old)),
  subresources: { status: { validateUpdate: (autoscaler) => validateAutoscalerStatus(toV2(autoscaler)) } },
  generation: 'none',
  table: autoscalerTable(resources.horizontalPodAutoscalersV1, toV2),
  conversion: {
    storage: resources.horizontalPodAutoscalers,
    toStorage: toV2,
    fromStorage: (autoscaler) => toV1(autoscaler as DeepReadonly<V2HorizontalPodAutoscaler>),
  },
};

function autoscalerTable<T extends KubernetesObject>(
  resource: Resource<T>,
  read: (object: DeepReadonly<T>) => DeepReadonly<V2HorizontalPodAutoscaler>,
): TableDefinition<T> {
  return tableOf<T>(
    resource,
    [
      nameColumn,
      {
        name: 'Reference',
        about: '.spec.scaleTargetRef',
        cell: (object) => {
          const { kind = '', name = '' } = read(object).spec?.scaleTargetRef ?? {};
          return `${kind}/${name}`;
        },
      },
      { name: 'Targets', about: '.spec.metrics', cell: (object) => targetsText(read(object)) },
      {
        name: 'MinPods',
        about: '.spec.minReplicas',
        cell: (object) => String(read(object).spec?.minReplicas ?? UNSET),
      },
      { name: 'MaxPods', about: '.spec.maxReplicas', cell: (object) => read(object).spec?.maxReplicas ?? 0 },
      {
        name: 'Replicas',
        about: '.status.currentReplicas',
        cell: (object) => read(object).status?.currentReplicas ?? 0,
      },
      ageColumn,
    ],
    resources.horizontalPodAutoscalers,
  );
}
