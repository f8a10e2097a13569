import { type ObjectClient } from '#client';

/** The service accounts under whose rights each part acts (bootstrap RBAC has a role for each). */
export type ControllerIdentity =
  | 'namespace-controller'
  | 'generic-garbage-collector'
  | 'pod-garbage-collector'
  | 'service-account-controller'
  | 'root-ca-cert-publisher'
  | 'bootstrap-signer'
  | 'token-cleaner';

export interface ResourceControllerConfig {
  /** A client with the identity `system:serviceaccount:kube-system:<identity>`. */
  clientAs(identity: ControllerIdentity): ObjectClient;
  /** PEM of the cluster's CA, for `kube-root-ca.crt`. */
  readonly rootCa: string;
  /** Finished pods that may lie around before the oldest are removed. Default 12500. */
  readonly terminatedPodThreshold?: number;
}
