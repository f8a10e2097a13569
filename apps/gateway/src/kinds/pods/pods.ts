import { type Pod, type PodCondition, type PodSpec, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { keepFields } from '../common/status';
import { type ResourceStrategy } from '../strategy';
import { setPodDefaults } from './pod-defaults';
import {
  validateEphemeralContainersUpdate,
  validatePodStatusUpdate,
  validateResize,
} from './pod-subresources-validation';
import { keepAllButEphemeralContainers, keepAllButResources } from './pod-subresources';
import { podTable } from './pod-table';
import { validatePodUpdate } from './pod-update-validation';
import { validatePodCreate } from './pod-validation';
import { podWarnings } from './pod-warnings';
import { qosClassOf } from './qos';

export const pods: ResourceStrategy<Pod> = {
  resource: resources.pods,
  setDefaults: setPodDefaults,

  prepareForCreate(pod, { now }) {
    dropDisabledFields(pod);
    const { spec } = pod;
    if ((spec?.terminationGracePeriodSeconds ?? 0) < 0) (spec as PodSpec).terminationGracePeriodSeconds = 1;
    pod.status = {
      phase: 'Pending',
      qosClass: qosClassOf(pod.spec ?? { containers: [] }),
      ...gateConditions(pod, now),
    };
  },

  validateCreate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  warningsOnCreate: podWarnings,

  subresources: {
    status: {
      validateUpdate: validatePodStatusUpdate,
      prepareForUpdate(pod, old) {
        // Whoever deletes says so in metadata; owners are not the business of whoever reports status.
        keepFields(pod, old, ['deletionTimestamp', 'ownerReferences']);
        const { qosClass } = old.status ?? {};
        if (pod.status !== undefined && qosClass !== undefined) pod.status.qosClass = qosClass;
      },
    },
    ephemeralcontainers: {
      prepareForUpdate: keepAllButEphemeralContainers,
      validateUpdate: validateEphemeralContainersUpdate,
    },
    resize: { prepareForUpdate: keepAllButResources, validateUpdate: validateResize },
  },

  fieldSelectors: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.podIPs': (pod) => (pod.status?.podIPs ?? []).map(({ ip }) => ip).join(','),
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  table: podTable,
  resetFields: {
    '': ['status'],
    status: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
    ephemeralcontainers: ['status'],
    resize: ['status'],
  },
  returnsDeletedObject: true,

  gracefulDeletion: {
    gracePeriodSeconds(pod, requested) {
      const asked = requested ?? pod.spec?.terminationGracePeriodSeconds ?? 0;
      // Nobody has it to end: it never got to a node, or it has ended already.
      if (!pod.spec?.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return 0;
      return asked < 0 ? 1 : asked;
    },
  },
};

/** Fields behind feature gates that are off in this version (`ContainerStopSignals`). */
function dropDisabledFields({ spec }: Pod): void {
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    if (container.lifecycle?.stopSignal === undefined) continue;
    delete container.lifecycle.stopSignal;
    if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
  }
}

/** A pod that is created with gates says at once that they hold it (KEP-3521). */
function gateConditions(pod: DeepReadonly<Pod>, now: string): { conditions?: PodCondition[] } {
  if ((pod.spec?.schedulingGates ?? []).length === 0) return {};
  return {
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
        // Go writes a time that nobody set as null.
        lastProbeTime: null as unknown as string,
        lastTransitionTime: now,
      },
    ],
  };
}
