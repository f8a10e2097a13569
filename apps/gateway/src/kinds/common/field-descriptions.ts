const jobSelector =
  'A label query over pods that should match the pod count. Normally, the system sets this field for you. ' +
  'More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors';

/**
 * Descriptions of fields as table columns show them, where the generated schemas have lost them or say something else:
 * fields that refer to another type, and columns that upstream describes by an older version of the kind.
 * Keys are `Kind.path`.
 */
export const columnFieldDescriptions: Readonly<Record<string, string>> = {
  'ClusterRoleBinding.roleRef':
    'RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, ' +
    'the Authorizer must return an error.',
  'RoleBinding.roleRef':
    'RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If ' +
    'the RoleRef cannot be resolved, the Authorizer must return an error.',
  'Deployment.spec.selector':
    'Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones ' +
    "affected by this deployment. It must match the pod template's labels.",
  'ReplicaSet.spec.selector':
    'Selector is a label query over pods that should match the replica count. Label keys and values that ' +
    "must match in order to be controlled by this replica set. It must match the pod template's labels. " +
    'More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors',
  'DaemonSet.spec.selector':
    'A label query over pods that are managed by the daemon set. Must match in order to be controlled. It ' +
    "must match the pod template's labels. More info: " +
    'https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors',
  'Job.spec.selector': jobSelector,
  'CronJob.spec.jobTemplate.spec.selector': jobSelector,
  'Event.involvedObject': 'The object that this event is about.',
  'Event.source': 'The component reporting this event. Should be a short machine understandable string.',
  'NetworkPolicy.spec.podSelector':
    'podSelector selects the pods to which this NetworkPolicy object applies. The array of rules is ' +
    "applied to any pods selected by this field. An empty selector matches all pods in the policy's " +
    'namespace. Multiple network policies can select the same set of pods. In this case, the ingress ' +
    'rules for each are combined additively. This field is optional. If it is not specified, it defaults ' +
    'to an empty selector.',
  'PersistentVolume.spec.claimRef':
    'claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim. ' +
    'Expected to be non-nil when bound. claim.VolumeName is the authoritative bind between PV and PVC. ' +
    'More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#binding',
  'HorizontalPodAutoscaler.spec.scaleTargetRef':
    'scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics ' +
    'should be collected, as well as to actually change the replica count.',
  'HorizontalPodAutoscaler.spec.metrics':
    'metrics contains the specifications for which to use to calculate the desired replica count (the ' +
    'maximum replica count across all metrics will be used).  The desired replica count is calculated ' +
    'multiplying the ratio between the target value and the current value by the current number of pods.  ' +
    'Ergo, metrics used must decrease as the pod count is increased, and vice-versa.  See the individual ' +
    'metric source types for more information about how each type of metric must respond. If not set, the ' +
    'default metric will be set to 80% average CPU utilization.',
  'HorizontalPodAutoscaler.spec.minReplicas':
    'minReplicas is the lower limit for the number of replicas to which the autoscaler can scale down.  ' +
    'It defaults to 1 pod.  minReplicas is allowed to be 0 if the alpha feature gate HPAScaleToZero is ' +
    'enabled and at least one Object or External metric is configured.  Scaling is active as long as at ' +
    'least one metric value is available.',
  'HorizontalPodAutoscaler.spec.maxReplicas':
    'maxReplicas is the upper limit for the number of replicas to which the autoscaler can scale up. It ' +
    'cannot be less that minReplicas.',
  'HorizontalPodAutoscaler.status.currentReplicas':
    'currentReplicas is current number of replicas of pods managed by this autoscaler, as last seen by ' +
    'the autoscaler.',
  'CertificateSigningRequest.spec.username': 'Base64-encoded PKCS#10 CSR data',
  'CertificateSigningRequest.status.conditions': 'Conditions applied to the request, such as approval or denial.',
  'CertificateSigningRequest.spec.signerName':
    'Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If ' +
    "empty, it will be defaulted:\n 1. If it's a kubelet client certificate, it is assigned\n    " +
    '"kubernetes.io/kube-apiserver-client-kubelet".\n 2. If it\'s a kubelet serving certificate, it is ' +
    'assigned\n    "kubernetes.io/kubelet-serving".\n 3. Otherwise, it is assigned ' +
    '"kubernetes.io/legacy-unknown".\nDistribution of trust for signers happens out of band. You can ' +
    'select on this field using `spec.signerName`.',
};

/** Texts with line breaks, which the models that schemas are generated from show as spaces. */
const brokenTexts: readonly string[] = [
  'in UTC.\n\nPopulated by',
  'be called.\n\nThis field',
  'is false.\n\nThe CSI',
  'as VolumeContext.\n\nThe following',
  'inline volume\n                                defined by',
  'otherwise "false"\n\n"csi.storage.k8s.io/ephemeral" is',
  'the driver.\n\nThis field',
  'to true.\n\nThe check',
  'CSIStorageCapacity object.\n\nAlternatively, the',
  'been published.\n\nThis field',
  '"csi.storage.k8s.io/serviceAccount.tokens": {\n' +
    '  "<audience>": {\n' +
    '    "token": <token>,\n' +
    '    "expirationTimestamp": <expiration timestamp in RFC3339>,\n' +
    '  },\n' +
    '  ...\n' +
    '}\n' +
    '\n' +
    'Note: Audience',
  'to false.\n\nNote: After',
  'PV/PVC mechanism.\n\nThe other',
  'a volume.\n\nFor more',
  'the future.\n\nThis field',
  'certain node.\n\nThis field',
  'resources available.\n\nExactly one',
  'driver name.\n\nMust be',
  'not required.\n\nIt must',
  'be defaulted:\n' +
    " 1. If it's a kubelet client certificate, it is assigned\n" +
    '    "kubernetes.io/kube-apiserver-client-kubelet".\n' +
    " 2. If it's a kubelet serving certificate, it is assigned\n" +
    '    "kubernetes.io/kubelet-serving".\n' +
    ' 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".\n' +
    'Distribution of',
  'actual duration.\n\nThe v1.22+',
  'controller manager.\n' +
    '\n' +
    'Certificate signers may not honor this field for various reasons:\n' +
    '\n' +
    '  1. Old signer that is unaware of the field (such as the in-tree\n' +
    '     implementations prior to v1.22)\n' +
    '  2. Signer whose configured maximum is shorter than the requested duration\n' +
    '  3. Signer whose configured minimum is longer than the requested duration\n' +
    '\n' +
    'The minimum',
];

const flatTexts = brokenTexts.map((text) => [text.replaceAll('\n', ' '), text] as const);

/** Gives a description its line breaks back. */
export function withLineBreaks(description: string): string {
  return flatTexts.reduce((text, [flat, broken]) => text.replaceAll(flat, broken), description);
}
