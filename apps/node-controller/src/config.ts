import { type ObjectClient } from '#client';
import { type KeyPair } from '#pki';

/** The service accounts under whose rights each part acts. */
export type NodeControllerIdentity = 'node-controller' | 'certificate-controller' | 'kubelet-serving-approver';

export interface NodeControllerConfig {
  /** A client with the identity `system:serviceaccount:kube-system:<identity>`. */
  clientAs(identity: NodeControllerIdentity): ObjectClient;
  /** Addresses of all pods, e.g. `10.244.0.0/16`. */
  readonly clusterCidr: string;
  /** Prefix length of each node's part. Default 24. */
  readonly nodeCidrMaskSize?: number;
  /** How long a node may be silent before it counts as unreachable. Default 50 s (`--node-monitor-grace-period`). */
  readonly gracePeriodMs?: number;
  /** Signs approved certificate requests. Absent: somebody else has to. */
  readonly signingAuthority?: KeyPair;
  /** The longest life of a certificate. Default one year (`--cluster-signing-duration`). */
  readonly signingDurationMs?: number;
  /** Whether node agents get serving certificates for their own name and addresses without a person. Default true. */
  readonly approvesServingCertificates?: boolean;
}
