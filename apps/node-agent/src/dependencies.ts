import { type ObjectClient } from '#client';
import { type EventRecorder, type InformerFactory } from '#controller';
import { type Clock } from '#machinery';
import { type ContainerRuntime } from '#runtime';
import { type Logger, type Registry } from '#telemetry';
import { type PodObject } from './pods/pod-containers';

/** What a node agent receives from whoever starts it. */
export interface NodeAgentDependencies {
  /** With the node's identity, `system:node:<name>`. */
  readonly client: ObjectClient;
  /** May be shared by all agents of a process; pods are asked for with a selector of this node. */
  readonly informers: InformerFactory;
  /** The agent's own: it is closed when the agent stops. Containers keep running. */
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Registry;
  recorder(component: string): EventRecorder;
  /**
   * Called before the first container of a pod gets its signal: resolves when no traffic is sent to the pod any more. Waited for at most
   * `beforeSigtermMs`; a rejection is logged and ignored.
   */
  beforeSigterm?(pod: PodObject): Promise<void>;
}
