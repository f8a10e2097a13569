import { Module } from '@nestjs/common';
import { CsrApprovingReconciler } from './certificates/csr-approving.reconciler';
import { CsrCleanerReconciler } from './certificates/csr-cleaner.reconciler';
import { CsrSigningReconciler } from './certificates/csr-signing.reconciler';
import { KubeletServingApproverReconciler } from './certificates/kubelet-serving-approver.reconciler';
import { NodeIpamReconciler } from './ipam/node-ipam.reconciler';
import { NodeLifecycleReconciler } from './lifecycle/node-lifecycle.reconciler';
import { TaintEvictionReconciler } from './taint-eviction/taint-eviction.reconciler';

@Module({
  providers: [
    NodeLifecycleReconciler,
    TaintEvictionReconciler,
    NodeIpamReconciler,
    CsrApprovingReconciler,
    CsrSigningReconciler,
    CsrCleanerReconciler,
    KubeletServingApproverReconciler,
  ],
})
export class NodeControllerModule {}
