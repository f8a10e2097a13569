import { Module } from '@nestjs/common';
import { NodeIpamReconciler } from './ipam/node-ipam.reconciler';
import { NodeLifecycleReconciler } from './lifecycle/node-lifecycle.reconciler';
import { TaintEvictionReconciler } from './taint-eviction/taint-eviction.reconciler';

@Module({ providers: [NodeLifecycleReconciler, TaintEvictionReconciler, NodeIpamReconciler] })
export class NodeControllerModule {}
