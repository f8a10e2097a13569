/** The controller framework: informers, work queues, reconcilers, leader election. See README.md for the pattern. */
export { alwaysLeader } from './src/always-leader';
export { type BusInformerOptions } from './src/bus-informer';
export { type BusInformerFactory, type InformerDump, createInformerFactory } from './src/bus-informer-factory';
export { type EventRecorderOptions, createEventRecorder } from './src/client-event-recorder';
export { InjectConfig, InjectDependencies } from './src/controller.module';
export { type ClaimOptions, adoptOrRelease, controllerReference } from './src/controller-ref';
export { deepEqualSemantic } from './src/deep-equal';
export { type ControllerDependencies } from './src/dependencies';
export { type EventRecorder } from './src/event-recorder';
export { type CacheView, Expectations } from './src/expectations';
export { type Informer, type InformerFactory, type InformerHandler, type Lister } from './src/informer';
export { type LeaderElector } from './src/leader-elector';
export { type LeaseElectorOptions, leaseElector } from './src/lease-elector';
export {
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminal,
  isPodTerminating,
  msUntilAvailable,
  podCondition,
} from './src/pod-state';
export { type ControlledIndex, indexByController } from './src/controlled-index';
export { objectDigest } from './src/object-digest';
export { type CacheChange, ObjectCache } from './src/object-cache';
export { type ReconcileResult, Reconciler, type ReconcilerOptions } from './src/reconciler';
export { type ReconcilerRun, runReconciler } from './src/run-reconciler';
export { slowStart } from './src/slow-start';
export { type ControllerOptions, startController } from './src/start-controller';
export { type KeySink, type UpdateFilter, Watches } from './src/watches';
export { WorkQueue, type WorkQueueOptions } from './src/work-queue';
