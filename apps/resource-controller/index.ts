import { type ControllerDependencies, startController } from '#controller';
import { type RunningComponent } from '#telemetry';
import { type ResourceControllerConfig } from './src/identities';
import { ResourceControllerModule } from './src/resource-controller.module';

export { type ControllerIdentity, type ResourceControllerConfig } from './src/identities';

/** Starts the controllers of the life and death of objects. */
export function createResourceController(
  config: ResourceControllerConfig,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  return startController({ name: 'resource-controller', module: ResourceControllerModule, dependencies, config });
}
