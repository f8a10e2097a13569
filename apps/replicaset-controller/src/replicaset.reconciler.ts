import { type ReplicaSet } from '#api';
import { type ControllerDependencies, InjectDependencies, Reconciler } from '#controller';
import { replicaSetKind } from './replica-kind';
import { ReplicaReconciler } from './replica.reconciler';

@Reconciler({ name: 'replicaset', workers: 8 })
export class ReplicaSetReconciler extends ReplicaReconciler<ReplicaSet> {
  constructor(@InjectDependencies() dependencies: ControllerDependencies) {
    super(replicaSetKind, dependencies);
  }
}
