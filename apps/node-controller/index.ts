import { type ControllerDependencies, startController } from '#controller';
import { type RunningComponent } from '#telemetry';
import { type NodeControllerConfig } from './src/config';
import { NodeControllerModule } from './src/node-controller.module';

export { type NodeControllerConfig, type NodeControllerIdentity } from './src/config';

/** Starts the controllers that look after nodes. */
export function createNodeController(
  config: NodeControllerConfig,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  return startController({ name: 'node-controller', module: NodeControllerModule, dependencies, config });
}
