import { type ControllerDependencies, startController } from '#controller';
import { type RunningComponent } from '#telemetry';
import { DeploymentControllerModule } from './src/deployment-controller.module';

/** Starts the controller of Deployments. There is nothing to configure. */
export function createDeploymentController(
  _config: object,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  return startController({ name: 'deployment-controller', module: DeploymentControllerModule, dependencies });
}
