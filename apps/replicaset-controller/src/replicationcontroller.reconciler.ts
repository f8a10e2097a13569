import { type ReplicationController } from '#api';
import { type ControllerDependencies, InjectConfig, InjectDependencies, Reconciler } from '#controller';
import { type ReplicaSetControllerConfig } from './config';
import { replicationControllerKind } from './replica-kind';
import { ReplicaReconciler } from './replica.reconciler';

@Reconciler({ name: 'replicationcontroller', workers: 4 })
export class ReplicationControllerReconciler extends ReplicaReconciler<ReplicationController> {
  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() config: ReplicaSetControllerConfig,
  ) {
    super(replicationControllerKind, { ...dependencies, client: config.clientAs('replication-controller') });
  }
}
