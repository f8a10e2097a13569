import { NestFactory } from '@nestjs/core';
import { type RunningNodeAgent } from './src/agent';
import { type NodeAgentConfig } from './src/config';
import { type NodeAgentDependencies } from './src/dependencies';
import { NodeAgentModule, NodeAgentService } from './src/node-agent.module';

export { type RunningNodeAgent } from './src/agent';
export { type NodeAgentConfig } from './src/config';
export { type NodeAgentDependencies } from './src/dependencies';
export { createOverlay, type OverlayDependencies } from './src/overlay/overlay';
export {
  createOverlayHost,
  type OverlayHost,
  type OverlayHostOptions,
  removeOverlay,
} from './src/overlay/overlay-host';
export { podNetworkOptions, type PodNetworkFacts } from './src/overlay/pod-network';
export {
  ensureNodeIdentity,
  type NodeIdentity,
  type NodeIdentityOptions,
  type RenewedCertificate,
} from './src/identity/node-identity';
export * from './src/service-proxy';

/** Starts the agent of one node. Resolves when the node is registered, or the first attempt has failed; it goes on trying. */
export async function createNodeAgent(
  config: NodeAgentConfig,
  dependencies: NodeAgentDependencies,
): Promise<RunningNodeAgent> {
  const context = await NestFactory.createApplicationContext(NodeAgentModule.with(config, dependencies), {
    logger: false,
    abortOnError: false,
  });
  const agent = await context.get(NodeAgentService).start();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await agent.stop();
    await context.close();
  };
  return { name: agent.name, port: agent.port, stop: () => (stopped ??= stop()) };
}
