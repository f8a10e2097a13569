/**
 * How Go holds the fields of a type, where that shows in what the API server answers. By definition (the last part of its
 * name, in every package that has the field), the fields in question.
 */
export type LayoutFacts = Readonly<Record<string, string>>;

/**
 * Objects held by value: they exist, as `{}`, even when nobody wrote them. `metadata`, `spec` and `status` are, in every
 * definition, and are not listed.
 */
export const embeddedFields: LayoutFacts = {
  AllocationResult: 'devices',
  Binding: 'target',
  ClusterRoleBinding: 'roleRef',
  Container: 'resources',
  ContainerStatus: 'state lastState',
  CronJobSpec: 'jobTemplate',
  CustomResourceDefinitionSpec: 'names',
  CustomResourceDefinitionStatus: 'acceptedNames',
  DaemonSetSpec: 'template updateStrategy',
  DeploymentSpec: 'template strategy',
  Endpoint: 'conditions',
  EphemeralContainer: 'resources',
  Event: 'source involvedObject regarding deprecatedSource',
  ExternalMetricSource: 'metric target',
  ExternalMetricStatus: 'metric current',
  FlowSchemaSpec: 'priorityLevelConfiguration',
  HTTPIngressPath: 'backend',
  HorizontalPodAutoscalerSpec: 'scaleTargetRef',
  IngressServiceBackend: 'port',
  IngressStatus: 'loadBalancer',
  JobSpec: 'template',
  LimitedPriorityLevelConfiguration: 'limitResponse',
  MutatingWebhook: 'clientConfig',
  NetworkPolicySpec: 'podSelector',
  NodeDaemonEndpoints: 'kubeletEndpoint',
  NodeStatus: 'daemonEndpoints nodeInfo',
  ObjectMetricSource: 'target metric describedObject',
  ObjectMetricStatus: 'metric current describedObject',
  PersistentVolumeClaimSpec: 'resources',
  PodTemplate: 'template',
  PodsMetricSource: 'target metric',
  PodsMetricStatus: 'metric current',
  PreferredSchedulingTerm: 'preference',
  ReplicaSetSpec: 'template',
  ResourceClaimSpec: 'devices',
  ResourceMetricSource: 'target',
  ResourceMetricStatus: 'current',
  ResourceSliceSpec: 'pool',
  RoleBinding: 'roleRef',
  ServiceStatus: 'loadBalancer',
  StatefulSetSpec: 'template updateStrategy',
  TokenReviewStatus: 'user',
  ValidatingWebhook: 'clientConfig',
  VolumeAttachmentSpec: 'source',
  WeightedPodAffinityTerm: 'podAffinityTerm',
};

/** Required fields that Go leaves out while they are empty, against what is usual. */
export const omittedWhenEmpty: LayoutFacts = {
  ValidatingAdmissionPolicyBindingSpec: 'validationActions',
};

/** Optional fields that are written even when nobody set them: as `null`, `''` or `0`. */
export const writtenFields: LayoutFacts = {
  ClusterRole: 'rules',
  ContainerStateRunning: 'startedAt',
  ContainerStateTerminated: 'startedAt finishedAt',
  CustomResourceDefinitionStatus: 'conditions storedVersions',
  DeviceClaim: 'requests',
  EndpointSlice: 'endpoints ports',
  Event:
    'eventTime firstTimestamp lastTimestamp reportingComponent reportingInstance deprecatedFirstTimestamp deprecatedLastTimestamp',
  HorizontalPodAutoscalerStatus: 'currentMetrics',
  PodCondition: 'lastProbeTime lastTransitionTime',
  PodDisruptionBudgetStatus: 'disruptionsAllowed currentHealthy desiredHealthy expectedPods',
  ResourceFieldSelector: 'divisor',
  Role: 'rules',
  StatefulSetSpec: 'serviceName',
  StatefulSetStatus: 'availableReplicas',
  TokenRequestSpec: 'boundObjectRef',
};

/** Scalars held by value and omitted when zero: `''`, `0` and `false` are as good as absent. */
export const omittedWhenZero: LayoutFacts = {
  ConfigMapKeySelector: 'name',
  Container: 'image workingDir terminationMessagePath terminationMessagePolicy imagePullPolicy stdin stdinOnce tty',
  ContainerPort: 'name hostPort protocol hostIP',
  DaemonSetSpec: 'minReadySeconds',
  DaemonSetStatus: 'observedGeneration updatedNumberScheduled numberAvailable numberUnavailable',
  DeploymentSpec: 'minReadySeconds paused',
  DeploymentStatus: 'observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas',
  EmptyDirVolumeSource: 'medium',
  EnvVar: 'value',
  HTTPGetAction: 'path host scheme',
  JobStatus: 'active succeeded failed completedIndexes',
  LocalObjectReference: 'name',
  ObjectMeta: 'name generateName namespace selfLink uid resourceVersion generation',
  ObjectReference: 'kind namespace name uid apiVersion resourceVersion fieldPath',
  PersistentVolumeClaimSpec: 'volumeName',
  PersistentVolumeSpec: 'storageClassName persistentVolumeReclaimPolicy',
  PodSpec:
    'restartPolicy dnsPolicy serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC hostname subdomain schedulerName priorityClassName',
  PodStatus: 'phase message reason nominatedNodeName hostIP podIP qosClass observedGeneration',
  Probe: 'initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold',
  ReplicaSetSpec: 'minReadySeconds',
  ReplicaSetStatus: 'fullyLabeledReplicas readyReplicas availableReplicas observedGeneration',
  ReplicationControllerSpec: 'minReadySeconds',
  ReplicationControllerStatus: 'fullyLabeledReplicas readyReplicas availableReplicas observedGeneration',
  ScaleSpec: 'replicas',
  Secret: 'type',
  SecretKeySelector: 'name',
  ServicePort: 'name protocol nodePort',
  ServiceSpec:
    'clusterIP type sessionAffinity loadBalancerIP externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses',
  StatefulSetSpec: 'podManagementPolicy minReadySeconds',
  StatefulSetStatus: 'observedGeneration readyReplicas currentReplicas updatedReplicas currentRevision updateRevision',
  Taint: 'value',
  Toleration: 'key operator value effect',
  VolumeMount: 'readOnly subPath subPathExpr',
};
