import { type Clock } from '#machinery';
import { type ContainerRuntime } from '#runtime';
import { type Logger } from '#telemetry';
import { type NodeAgentConfig } from '../config';
import { type PodManager } from '../worker/pod-manager';

export interface ServerDependencies {
  readonly runtime: ContainerRuntime;
  readonly manager: PodManager;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly config: NodeAgentConfig;
}

export interface AgentServer {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startServer(
  _config: NonNullable<NodeAgentConfig['server']>,
  _dependencies: ServerDependencies,
): Promise<AgentServer> {
  throw new Error('not yet');
}
