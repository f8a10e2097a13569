import { type ObjectClient } from '#client';

/** The service accounts under whose rights each part acts. */
export type ServiceControllerIdentity =
  'endpointslice-controller' | 'endpoint-controller' | 'endpointslicemirroring-controller';

export interface ServiceControllerConfig {
  /** A client with the identity `system:serviceaccount:kube-system:<identity>`. */
  clientAs(identity: ServiceControllerIdentity): ObjectClient;
  /** `--max-endpoints-per-slice`, default 100. */
  readonly maxEndpointsPerSlice?: number;
}
