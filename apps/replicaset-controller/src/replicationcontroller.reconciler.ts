import { type ReplicationController } from '#api';
import { type ControllerDependencies, InjectDependencies, Reconciler } from '#controller';
import { replicationControllerKind } from './replica-kind';
import { ReplicaReconciler } from './replica.reconciler';

@Reconciler({ name: 'replicationcontroller', workers: 4 })
export class ReplicationControllerReconciler extends ReplicaReconciler<ReplicationController> {
  constructor(@InjectDependencies() dependencies: ControllerDependencies) {
    super(replicationControllerKind, dependencies);
  }
}
