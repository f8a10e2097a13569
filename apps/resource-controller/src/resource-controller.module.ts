import { Module } from '@nestjs/common';
import { GarbageCollectorReconciler } from './garbage-collector/garbage-collector.reconciler';
import { NamespaceReconciler } from './namespace/namespace.reconciler';
import { PodGcReconciler } from './pod-gc/pod-gc.reconciler';
import { RootCaReconciler } from './root-ca.reconciler';
import { ServiceAccountReconciler } from './service-account.reconciler';

@Module({
  providers: [
    NamespaceReconciler,
    GarbageCollectorReconciler,
    PodGcReconciler,
    ServiceAccountReconciler,
    RootCaReconciler,
  ],
})
export class ResourceControllerModule {}
