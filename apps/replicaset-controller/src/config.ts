import { type ObjectClient } from '#client';

/** The service account of the second controller in this app; the first one's is the app's own client. */
export type ReplicaControllerIdentity = 'replication-controller';

export interface ReplicaSetControllerConfig {
  /** A client with the identity `system:serviceaccount:kube-system:<identity>`. */
  clientAs(identity: ReplicaControllerIdentity): ObjectClient;
}
