import { type Service } from '#api';
import { type ObjectClient } from '#client';
import { type EventRecorder } from '#controller';
import { type Clock, type DeepReadonly } from '#machinery';
import { type ContainerRuntime } from '#runtime';
import { type Logger } from '#telemetry';
import { type Allocatable } from '../containers/downward';
import { type ObjectReader } from '../containers/object-reader';
import { type PodFilesystem } from '../containers/pod-filesystem';
import { type ImageManager } from '../images/image-manager';
import { type BackOff } from '../pods/back-off';
import { type PodObject } from '../pods/pod-containers';
import { type NodeFacts, type Verdict } from '../pods/pod-status';
import { type ProbeManager } from '../probes/probe-manager';
import { type PodAddressPool } from './pod-addresses';
import { type StatusWriter } from './status-writer';

/** What the workers of one node share. */
export interface WorkerContext {
  readonly client: ObjectClient;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  readonly node: NodeFacts;
  readonly clusterDomain: string;
  readonly seccompRoot: string;
  readonly cgroupParent?: string;
  /** Absent: containers do not see this host. */
  readonly filesystem?: PodFilesystem;
  readonly images: ImageManager;
  readonly probes: ProbeManager;
  readonly addresses: PodAddressPool;
  readonly statuses: StatusWriter;
  readonly restarts: BackOff;
  readonly objects: ObjectReader;
  services(namespace: string): readonly DeepReadonly<Service>[];
  allocatable(): Allocatable;
  memoryCapacity(): number;
  /** Undefined: the pod may run here. */
  admit(pod: PodObject): Verdict | undefined;
  /** Reads the node's labels anew: the scheduler may have seen a change that is not here yet. */
  refreshNode(): Promise<void>;
  /** Waits until no traffic goes to the pod, boundedly. Never rejects. */
  drain(pod: PodObject): Promise<void>;
}
