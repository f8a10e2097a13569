import { type ControllerDependencies, startController } from '#controller';
import { type RunningComponent } from '#telemetry';
import { type ServiceControllerConfig } from './src/identities';
import { ServiceControllerModule } from './src/service-controller.module';

export { type ServiceControllerConfig, type ServiceControllerIdentity } from './src/identities';

/** Starts the controllers that say which pods are behind a Service. */
export function createServiceController(
  config: ServiceControllerConfig,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  return startController({ name: 'service-controller', module: ServiceControllerModule, dependencies, config });
}
