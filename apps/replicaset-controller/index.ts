import { type ControllerDependencies, startController } from '#controller';
import { type RunningComponent } from '#telemetry';
import { type ReplicaSetControllerConfig } from './src/config';
import { ReplicaSetControllerModule } from './src/replicaset-controller.module';

export { type ReplicaControllerIdentity, type ReplicaSetControllerConfig } from './src/config';

/** Starts the controllers of ReplicaSets and ReplicationControllers. */
export function createReplicaSetController(
  config: ReplicaSetControllerConfig,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  return startController({ name: 'replicaset-controller', module: ReplicaSetControllerModule, dependencies, config });
}
