/** Labels and annotations of the objects that this app writes. */
export const labels = {
  /** On a slice: the Service it belongs to. */
  serviceName: 'kubernetes.io/service-name',
  /** On a slice: who keeps it; others leave it alone. */
  sliceManagedBy: 'endpointslice.kubernetes.io/managed-by',
  /** On Endpoints that were made from pods, not by a person (KEP-4974). */
  endpointsManagedBy: 'endpoints.kubernetes.io/managed-by',
  headless: 'service.kubernetes.io/headless',
  /** On Endpoints: `true` says that they are not to be mirrored. */
  skipMirror: 'endpointslice.kubernetes.io/skip-mirror',
  zone: 'topology.kubernetes.io/zone',
} as const;

export const annotations = {
  triggerTime: 'endpoints.kubernetes.io/last-change-trigger-time',
  overCapacity: 'endpoints.kubernetes.io/over-capacity',
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
  leader: 'control-plane.alpha.kubernetes.io/leader',
} as const;

export const managers = {
  slices: 'endpointslice-controller.k8s.io',
  mirroring: 'endpointslicemirroring-controller.k8s.io',
  endpoints: 'endpoint-controller',
} as const;
