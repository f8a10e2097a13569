import { type ObjectClient } from '#client';

/** The service accounts under whose rights each part acts (bootstrap RBAC has a role for each). */
export type ServiceControllerIdentity =
  'endpointslice-controller' | 'endpoint-controller' | 'endpointslicemirroring-controller';

export interface ServiceControllerConfig {
  /** A client with the identity `system:serviceaccount:kube-system:<identity>`. */
  clientAs(identity: ServiceControllerIdentity): ObjectClient;
  /** Upstream's `--max-endpoints-per-slice`. Default 100. */
  readonly maxEndpointsPerSlice?: number;
}
