import { Module } from '@nestjs/common';
import { ReplicaSetReconciler } from './replicaset.reconciler';
import { ReplicationControllerReconciler } from './replicationcontroller.reconciler';

@Module({ providers: [ReplicaSetReconciler, ReplicationControllerReconciler] })
export class ReplicaSetControllerModule {}
