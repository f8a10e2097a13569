import { type ResourceDefinition } from '#api';
import { type KubernetesObject } from '#machinery';
import {
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from './admission-registration/policies';
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from './admission-registration/webhooks';
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from './autoscaling/horizontal-pod-autoscalers';
import { cronJobs } from './batch/cron-jobs';
import { jobs } from './batch/jobs';
import { certificateSigningRequests } from './certificates/certificate-signing-requests';
import { componentStatuses } from './core/component-statuses';
import { configMaps } from './core/config-maps';
import { limitRanges } from './core/limit-ranges';
import { namespaces } from './core/namespaces';
import { nodes } from './core/nodes';
import { resourceQuotas } from './core/resource-quotas';
import { secrets } from './core/secrets';
import { serviceAccounts } from './core/service-accounts';
import {
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
} from './dynamic-resources/dynamic-resources';
import { coreEvents, newEvents } from './events/events';
import { apiServices } from './extensions/api-services';
import { customResourceDefinitions } from './extensions/custom-resource-definitions';
import { flowSchemas, priorityLevelConfigurations } from './flow-control/flow-control';
import { ipAddresses, serviceCidrs } from './networking/address-ranges';
import { ingressClasses, ingresses } from './networking/ingresses';
import { networkPolicies } from './networking/network-policies';
import { pods } from './pods/pods';
import { podDisruptionBudgets } from './policy/pod-disruption-budgets';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './rbac/rbac';
import { leases, priorityClasses, runtimeClasses } from './scheduling/scheduling';
import { endpointSlices } from './services/endpoint-slices';
import { endpoints } from './services/endpoints';
import { services } from './services/services';
import { csiDrivers, csiNodes, csiStorageCapacities } from './storage/csi';
import { persistentVolumeClaims } from './storage/persistent-volume-claims';
import { persistentVolumes } from './storage/persistent-volumes';
import { storageClasses } from './storage/storage-classes';
import { volumeAttachments } from './storage/volume-attachments';
import { volumeAttributesClasses } from './storage/volume-attributes-classes';
import { type ResourceStrategy } from './strategy';
import { controllerRevisions } from './workloads/controller-revisions';
import { daemonSets } from './workloads/daemon-sets';
import { deployments } from './workloads/deployments';
import { podTemplates } from './workloads/pod-templates';
import { replicaSets } from './workloads/replica-sets';
import { replicationControllers } from './workloads/replication-controllers';
import { statefulSets } from './workloads/stateful-sets';

/** Forgets the kind's type: the registry calls a strategy only with objects of its own resource. */
function kind<T extends KubernetesObject>(strategy: ResourceStrategy<T>): ResourceStrategy {
  return strategy as unknown as ResourceStrategy;
}

/** Every kind that does something of its own. A kind that is not here is served by the generic registry alone. */
export const strategies: readonly ResourceStrategy[] = [
  // core
  kind(namespaces),
  kind(nodes),
  kind(pods),
  kind(podTemplates),
  kind(services),
  kind(endpoints),
  kind(configMaps),
  kind(secrets),
  kind(serviceAccounts),
  kind(replicationControllers),
  kind(persistentVolumes),
  kind(persistentVolumeClaims),
  kind(resourceQuotas),
  kind(limitRanges),
  kind(coreEvents),
  kind(componentStatuses),
  // apps
  kind(deployments),
  kind(replicaSets),
  kind(statefulSets),
  kind(daemonSets),
  kind(controllerRevisions),
  // batch
  kind(jobs),
  kind(cronJobs),
  // autoscaling
  kind(horizontalPodAutoscalers),
  kind(horizontalPodAutoscalersV1),
  // events.k8s.io
  kind(newEvents),
  // policy
  kind(podDisruptionBudgets),
  // networking.k8s.io and discovery.k8s.io
  kind(ingresses),
  kind(ingressClasses),
  kind(networkPolicies),
  kind(serviceCidrs),
  kind(ipAddresses),
  kind(endpointSlices),
  // rbac.authorization.k8s.io
  kind(roles),
  kind(roleBindings),
  kind(clusterRoles),
  kind(clusterRoleBindings),
  // storage.k8s.io
  kind(storageClasses),
  kind(csiDrivers),
  kind(csiNodes),
  kind(csiStorageCapacities),
  kind(volumeAttachments),
  kind(volumeAttributesClasses),
  // resource.k8s.io
  kind(deviceClasses),
  kind(resourceClaims),
  kind(resourceClaimTemplates),
  kind(resourceSlices),
  // scheduling.k8s.io, node.k8s.io, coordination.k8s.io
  kind(priorityClasses),
  kind(runtimeClasses),
  kind(leases),
  // certificates.k8s.io
  kind(certificateSigningRequests),
  // flowcontrol.apiserver.k8s.io
  kind(flowSchemas),
  kind(priorityLevelConfigurations),
  // admissionregistration.k8s.io
  kind(mutatingWebhookConfigurations),
  kind(validatingWebhookConfigurations),
  kind(mutatingAdmissionPolicies),
  kind(mutatingAdmissionPolicyBindings),
  kind(validatingAdmissionPolicies),
  kind(validatingAdmissionPolicyBindings),
  // apiextensions.k8s.io, apiregistration.k8s.io
  kind(customResourceDefinitions),
  kind(apiServices),
];

const byResource = new Map(strategies.map((strategy) => [formatResource(strategy.resource), strategy]));

/** The strategy of a resource, or an empty one. */
export function strategyFor(resource: ResourceDefinition): ResourceStrategy {
  return byResource.get(formatResource(resource)) ?? { resource };
}

function formatResource(resource: ResourceDefinition): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}
