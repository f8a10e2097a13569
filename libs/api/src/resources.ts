// The built-in resources of Kubernetes v1.36, GA versions only, in discovery's order: groups by priority, versions newest
// first, resources by name. A row here, and the types and schemas that are generated, are all that a kind needs to exist.
import type * as types from './generated/types';
import { type Resource, type ResourceDefinition, type Verb, groupVersion, subresource } from './resource';

const createOnly: readonly Verb[] = ['create'];
const readOnly: readonly Verb[] = ['get', 'list'];
const modify: readonly Verb[] = ['get', 'patch', 'update'];
/** Streams start with GET (WebSocket) or POST (SPDY). */
const connect: readonly Verb[] = ['create', 'get'];
const proxy: readonly Verb[] = ['create', 'delete', 'get', 'patch', 'update'];

const all = ['all'];
const apiExtensions = ['api-extensions'];

const status = (kind: string) => subresource('status', kind, modify);
const scale = subresource('scale', 'Scale', modify, 'autoscaling', 'v1');

const core = groupVersion('', 'v1');
const apiregistration = groupVersion('apiregistration.k8s.io', 'v1');
const apps = groupVersion('apps', 'v1');
const events = groupVersion('events.k8s.io', 'v1');
const authentication = groupVersion('authentication.k8s.io', 'v1');
const authorization = groupVersion('authorization.k8s.io', 'v1');
const autoscaling = groupVersion('autoscaling', 'v2');
const autoscalingV1 = groupVersion('autoscaling', 'v1');
const batch = groupVersion('batch', 'v1');
const certificates = groupVersion('certificates.k8s.io', 'v1');
const networking = groupVersion('networking.k8s.io', 'v1');
const policy = groupVersion('policy', 'v1');
const rbac = groupVersion('rbac.authorization.k8s.io', 'v1');
const storage = groupVersion('storage.k8s.io', 'v1');
const admissionregistration = groupVersion('admissionregistration.k8s.io', 'v1');
const apiextensions = groupVersion('apiextensions.k8s.io', 'v1');
const scheduling = groupVersion('scheduling.k8s.io', 'v1');
const coordination = groupVersion('coordination.k8s.io', 'v1');
const node = groupVersion('node.k8s.io', 'v1');
const discovery = groupVersion('discovery.k8s.io', 'v1');
const resource = groupVersion('resource.k8s.io', 'v1');
const flowcontrol = groupVersion('flowcontrol.apiserver.k8s.io', 'v1');

/** Every built-in resource. Where two share a plural, the older or less used one carries its group or version. */
export const resources = {
  // v1
  bindings: core.namespaced<types.Binding>('bindings', 'Binding', { verbs: createOnly }),
  componentStatuses: core.cluster<types.ComponentStatus>('componentstatuses', 'ComponentStatus', {
    verbs: readOnly,
    shortNames: ['cs'],
  }),
  configMaps: core.namespaced<types.ConfigMap>('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  endpoints: core.namespaced<types.Endpoints>('endpoints', 'Endpoints', { shortNames: ['ep'] }),
  events: core.namespaced<types.CoreEvent>('events', 'Event', { shortNames: ['ev'] }),
  limitRanges: core.namespaced<types.LimitRange>('limitranges', 'LimitRange', { shortNames: ['limits'] }),
  namespaces: core.cluster<types.Namespace>('namespaces', 'Namespace', {
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    shortNames: ['ns'],
    subresources: [subresource('finalize', 'Namespace', ['update']), status('Namespace')],
  }),
  nodes: core.cluster<types.Node>('nodes', 'Node', {
    shortNames: ['no'],
    subresources: [subresource('proxy', 'NodeProxyOptions', proxy), status('Node')],
  }),
  persistentVolumeClaims: core.namespaced<types.PersistentVolumeClaim>(
    'persistentvolumeclaims',
    'PersistentVolumeClaim',
    { shortNames: ['pvc'], subresources: [status('PersistentVolumeClaim')] },
  ),
  persistentVolumes: core.cluster<types.PersistentVolume>('persistentvolumes', 'PersistentVolume', {
    shortNames: ['pv'],
    subresources: [status('PersistentVolume')],
  }),
  pods: core.namespaced<types.Pod>('pods', 'Pod', {
    shortNames: ['po'],
    categories: all,
    subresources: [
      subresource('attach', 'PodAttachOptions', connect),
      subresource('binding', 'Binding', createOnly),
      subresource('ephemeralcontainers', 'Pod', modify),
      subresource('eviction', 'Eviction', createOnly, 'policy', 'v1'),
      subresource('exec', 'PodExecOptions', connect),
      subresource('log', 'Pod', ['get']),
      subresource('portforward', 'PodPortForwardOptions', connect),
      subresource('proxy', 'PodProxyOptions', proxy),
      subresource('resize', 'Pod', modify),
      status('Pod'),
    ],
  }),
  podTemplates: core.namespaced<types.PodTemplate>('podtemplates', 'PodTemplate'),
  replicationControllers: core.namespaced<types.ReplicationController>(
    'replicationcontrollers',
    'ReplicationController',
    { shortNames: ['rc'], categories: all, subresources: [scale, status('ReplicationController')] },
  ),
  resourceQuotas: core.namespaced<types.ResourceQuota>('resourcequotas', 'ResourceQuota', {
    shortNames: ['quota'],
    subresources: [status('ResourceQuota')],
  }),
  secrets: core.namespaced<types.Secret>('secrets', 'Secret'),
  serviceAccounts: core.namespaced<types.ServiceAccount>('serviceaccounts', 'ServiceAccount', {
    shortNames: ['sa'],
    subresources: [subresource('token', 'TokenRequest', createOnly, 'authentication.k8s.io', 'v1')],
  }),
  services: core.namespaced<types.Service>('services', 'Service', {
    shortNames: ['svc'],
    categories: all,
    subresources: [subresource('proxy', 'ServiceProxyOptions', proxy), status('Service')],
  }),

  // apiregistration.k8s.io/v1
  apiServices: apiregistration.cluster<types.APIService>('apiservices', 'APIService', {
    categories: apiExtensions,
    subresources: [status('APIService')],
  }),

  // apps/v1
  controllerRevisions: apps.namespaced<types.ControllerRevision>('controllerrevisions', 'ControllerRevision'),
  daemonSets: apps.namespaced<types.DaemonSet>('daemonsets', 'DaemonSet', {
    shortNames: ['ds'],
    categories: all,
    subresources: [status('DaemonSet')],
  }),
  deployments: apps.namespaced<types.Deployment>('deployments', 'Deployment', {
    shortNames: ['deploy'],
    categories: all,
    subresources: [scale, status('Deployment')],
  }),
  replicaSets: apps.namespaced<types.ReplicaSet>('replicasets', 'ReplicaSet', {
    shortNames: ['rs'],
    categories: all,
    subresources: [scale, status('ReplicaSet')],
  }),
  statefulSets: apps.namespaced<types.StatefulSet>('statefulsets', 'StatefulSet', {
    shortNames: ['sts'],
    categories: all,
    subresources: [scale, status('StatefulSet')],
  }),

  // events.k8s.io/v1
  eventsEvents: events.namespaced<types.EventsEvent>('events', 'Event', { shortNames: ['ev'], storedIn: 'v1' }),

  // authentication.k8s.io/v1
  selfSubjectReviews: authentication.cluster<types.SelfSubjectReview>('selfsubjectreviews', 'SelfSubjectReview', {
    verbs: createOnly,
  }),
  tokenReviews: authentication.cluster<types.TokenReview>('tokenreviews', 'TokenReview', { verbs: createOnly }),

  // authorization.k8s.io/v1
  localSubjectAccessReviews: authorization.namespaced<types.LocalSubjectAccessReview>(
    'localsubjectaccessreviews',
    'LocalSubjectAccessReview',
    { verbs: createOnly },
  ),
  selfSubjectAccessReviews: authorization.cluster<types.SelfSubjectAccessReview>(
    'selfsubjectaccessreviews',
    'SelfSubjectAccessReview',
    { verbs: createOnly },
  ),
  selfSubjectRulesReviews: authorization.cluster<types.SelfSubjectRulesReview>(
    'selfsubjectrulesreviews',
    'SelfSubjectRulesReview',
    { verbs: createOnly },
  ),
  subjectAccessReviews: authorization.cluster<types.SubjectAccessReview>(
    'subjectaccessreviews',
    'SubjectAccessReview',
    { verbs: createOnly },
  ),

  // autoscaling/v2
  horizontalPodAutoscalers: autoscaling.namespaced<types.V2HorizontalPodAutoscaler>(
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    { shortNames: ['hpa'], categories: all, subresources: [status('HorizontalPodAutoscaler')] },
  ),

  // autoscaling/v1
  horizontalPodAutoscalersV1: autoscalingV1.namespaced<types.HorizontalPodAutoscaler>(
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    {
      shortNames: ['hpa'],
      categories: all,
      subresources: [status('HorizontalPodAutoscaler')],
      storedIn: 'autoscaling/v2',
    },
  ),

  // batch/v1
  cronJobs: batch.namespaced<types.CronJob>('cronjobs', 'CronJob', {
    shortNames: ['cj'],
    categories: all,
    subresources: [status('CronJob')],
  }),
  jobs: batch.namespaced<types.Job>('jobs', 'Job', { categories: all, subresources: [status('Job')] }),

  // certificates.k8s.io/v1
  certificateSigningRequests: certificates.cluster<types.CertificateSigningRequest>(
    'certificatesigningrequests',
    'CertificateSigningRequest',
    {
      shortNames: ['csr'],
      subresources: [subresource('approval', 'CertificateSigningRequest', modify), status('CertificateSigningRequest')],
    },
  ),

  // networking.k8s.io/v1
  ingressClasses: networking.cluster<types.IngressClass>('ingressclasses', 'IngressClass'),
  ingresses: networking.namespaced<types.Ingress>('ingresses', 'Ingress', {
    shortNames: ['ing'],
    subresources: [status('Ingress')],
  }),
  ipAddresses: networking.cluster<types.IPAddress>('ipaddresses', 'IPAddress', { shortNames: ['ip'] }),
  networkPolicies: networking.namespaced<types.NetworkPolicy>('networkpolicies', 'NetworkPolicy', {
    shortNames: ['netpol'],
  }),
  serviceCIDRs: networking.cluster<types.ServiceCIDR>('servicecidrs', 'ServiceCIDR', {
    subresources: [status('ServiceCIDR')],
  }),

  // policy/v1
  podDisruptionBudgets: policy.namespaced<types.PodDisruptionBudget>('poddisruptionbudgets', 'PodDisruptionBudget', {
    shortNames: ['pdb'],
    subresources: [status('PodDisruptionBudget')],
  }),

  // rbac.authorization.k8s.io/v1
  clusterRoleBindings: rbac.cluster<types.ClusterRoleBinding>('clusterrolebindings', 'ClusterRoleBinding'),
  clusterRoles: rbac.cluster<types.ClusterRole>('clusterroles', 'ClusterRole'),
  roleBindings: rbac.namespaced<types.RoleBinding>('rolebindings', 'RoleBinding'),
  roles: rbac.namespaced<types.Role>('roles', 'Role'),

  // storage.k8s.io/v1
  csiDrivers: storage.cluster<types.CSIDriver>('csidrivers', 'CSIDriver'),
  csiNodes: storage.cluster<types.CSINode>('csinodes', 'CSINode'),
  csiStorageCapacities: storage.namespaced<types.CSIStorageCapacity>('csistoragecapacities', 'CSIStorageCapacity'),
  storageClasses: storage.cluster<types.StorageClass>('storageclasses', 'StorageClass', { shortNames: ['sc'] }),
  volumeAttachments: storage.cluster<types.VolumeAttachment>('volumeattachments', 'VolumeAttachment', {
    subresources: [status('VolumeAttachment')],
  }),
  volumeAttributesClasses: storage.cluster<types.VolumeAttributesClass>(
    'volumeattributesclasses',
    'VolumeAttributesClass',
    { shortNames: ['vac'] },
  ),

  // admissionregistration.k8s.io/v1
  mutatingAdmissionPolicies: admissionregistration.cluster<types.MutatingAdmissionPolicy>(
    'mutatingadmissionpolicies',
    'MutatingAdmissionPolicy',
    { categories: apiExtensions },
  ),
  mutatingAdmissionPolicyBindings: admissionregistration.cluster<types.MutatingAdmissionPolicyBinding>(
    'mutatingadmissionpolicybindings',
    'MutatingAdmissionPolicyBinding',
    { categories: apiExtensions },
  ),
  mutatingWebhookConfigurations: admissionregistration.cluster<types.MutatingWebhookConfiguration>(
    'mutatingwebhookconfigurations',
    'MutatingWebhookConfiguration',
    { categories: apiExtensions },
  ),
  validatingAdmissionPolicies: admissionregistration.cluster<types.ValidatingAdmissionPolicy>(
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    { categories: apiExtensions, subresources: [status('ValidatingAdmissionPolicy')] },
  ),
  validatingAdmissionPolicyBindings: admissionregistration.cluster<types.ValidatingAdmissionPolicyBinding>(
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    { categories: apiExtensions },
  ),
  validatingWebhookConfigurations: admissionregistration.cluster<types.ValidatingWebhookConfiguration>(
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    { categories: apiExtensions },
  ),

  // apiextensions.k8s.io/v1
  customResourceDefinitions: apiextensions.cluster<types.CustomResourceDefinition>(
    'customresourcedefinitions',
    'CustomResourceDefinition',
    {
      shortNames: ['crd', 'crds'],
      categories: apiExtensions,
      subresources: [status('CustomResourceDefinition')],
      // Upstream keeps storing definitions in the version that it no longer serves.
      storedIn: 'apiextensions.k8s.io/v1beta1',
    },
  ),

  // scheduling.k8s.io/v1
  priorityClasses: scheduling.cluster<types.PriorityClass>('priorityclasses', 'PriorityClass', { shortNames: ['pc'] }),

  // coordination.k8s.io/v1
  leases: coordination.namespaced<types.Lease>('leases', 'Lease'),

  // node.k8s.io/v1
  runtimeClasses: node.cluster<types.RuntimeClass>('runtimeclasses', 'RuntimeClass'),

  // discovery.k8s.io/v1
  endpointSlices: discovery.namespaced<types.EndpointSlice>('endpointslices', 'EndpointSlice'),

  // resource.k8s.io/v1
  deviceClasses: resource.cluster<types.DeviceClass>('deviceclasses', 'DeviceClass'),
  resourceClaims: resource.namespaced<types.ResourceResourceClaim>('resourceclaims', 'ResourceClaim', {
    subresources: [status('ResourceClaim')],
  }),
  resourceClaimTemplates: resource.namespaced<types.ResourceClaimTemplate>(
    'resourceclaimtemplates',
    'ResourceClaimTemplate',
  ),
  resourceSlices: resource.cluster<types.ResourceSlice>('resourceslices', 'ResourceSlice'),

  // flowcontrol.apiserver.k8s.io/v1
  flowSchemas: flowcontrol.cluster<types.FlowSchema>('flowschemas', 'FlowSchema', {
    subresources: [status('FlowSchema')],
  }),
  priorityLevelConfigurations: flowcontrol.cluster<types.PriorityLevelConfiguration>(
    'prioritylevelconfigurations',
    'PriorityLevelConfiguration',
    { subresources: [status('PriorityLevelConfiguration')] },
  ),
} as const satisfies Record<string, Resource<unknown>>;

/** The same, as a list in discovery's order. */
export const allResources: readonly ResourceDefinition[] = Object.values(resources);

const byPlural = new Map(
  allResources.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]),
);
const byKind = new Map(
  allResources.map((resource) => [`${resource.group}/${resource.version}/${resource.kind}`, resource]),
);

/** The built-in resource of a request path, if there is one. */
export function findResource(group: string, version: string, plural: string): ResourceDefinition | undefined {
  return byPlural.get(`${group}/${version}/${plural}`);
}

/** The built-in resource that serves objects of a kind, if there is one. */
export function findKind(group: string, version: string, kind: string): ResourceDefinition | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}
