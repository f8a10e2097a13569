/** The controller framework: informers, work queues, reconcilers, leader election. */
export { type ControllerDependencies } from './src/dependencies';
export { type EventRecorder } from './src/event-recorder';
export { type Informer, type InformerFactory, type InformerHandler, type Lister } from './src/informer';
export { type LeaderElector } from './src/leader-elector';
export { type ReconcileResult, type Reconciler } from './src/reconciler';
