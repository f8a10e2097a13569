import { Module } from '@nestjs/common';
import { BootstrapSignerReconciler } from './bootstrap-tokens/bootstrap-signer.reconciler';
import { TokenCleanerReconciler } from './bootstrap-tokens/token-cleaner.reconciler';
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
    BootstrapSignerReconciler,
    TokenCleanerReconciler,
  ],
})
export class ResourceControllerModule {}
