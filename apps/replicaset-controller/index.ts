import { type ControllerDependencies, startController } from '#controller';
import { type RunningComponent } from '#telemetry';
import { ReplicaSetControllerModule } from './src/replicaset-controller.module';

/** Starts the controllers of ReplicaSets and ReplicationControllers. There is nothing to configure. */
export function createReplicaSetController(
  _config: object,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  return startController({ name: 'replicaset-controller', module: ReplicaSetControllerModule, dependencies });
}
