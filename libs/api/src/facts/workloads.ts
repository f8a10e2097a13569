// Facts about what runs pods; the notation is explained in ./facts.
import { type PackageFacts } from './facts';

export const workloadsFacts: PackageFacts = {
  'io.k8s.api.apps.v1': {
    DaemonSetStatus: { conditions: 'map(type) merge(type)' },
    DeploymentSpec: { strategy: 'retainKeys' },
    DeploymentStatus: { conditions: 'map(type) merge(type)' },
    ReplicaSetStatus: { conditions: 'map(type) merge(type)' },
    StatefulSetSpec: { volumeClaimTemplates: 'atomic' },
    StatefulSetStatus: { conditions: 'map(type) merge(type)' },
  },
  'io.k8s.api.autoscaling.v1': {
    CrossVersionObjectReference: { '*': 'atomic' },
  },
  'io.k8s.api.autoscaling.v2': {
    HPAScalingRules: { policies: 'atomic', tolerance: 'quantity' },
    HorizontalPodAutoscalerSpec: { metrics: 'atomic' },
    HorizontalPodAutoscalerStatus: { conditions: 'map(type) merge(type)', currentMetrics: 'atomic' },
    MetricTarget: { averageValue: 'quantity', value: 'quantity' },
    MetricValueStatus: { averageValue: 'quantity', value: 'quantity' },
  },
  'io.k8s.api.batch.v1': {
    CronJobStatus: { active: 'atomic' },
    JobStatus: { conditions: 'atomic merge(type)' },
    PodFailurePolicy: { rules: 'atomic' },
    PodFailurePolicyOnExitCodesRequirement: { values: 'set' },
    PodFailurePolicyRule: { onPodConditions: 'atomic' },
    SuccessPolicy: { rules: 'atomic' },
    UncountedTerminatedPods: { failed: 'set', succeeded: 'set' },
  },
  'io.k8s.api.policy.v1': {
    PodDisruptionBudgetSpec: { selector: 'replace' },
    PodDisruptionBudgetStatus: { conditions: 'map(type) merge(type)' },
  },
};
