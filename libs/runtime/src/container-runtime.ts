import { type Readable, type Writable } from 'node:stream';

/** Stable identity of a pod on this node; written to labels so that a restarted agent finds its containers. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** 0, 1, … : how many sandboxes this pod has had. */
  readonly attempt: number;
}

export interface PortMapping {
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp?: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

export interface SandboxConfig {
  readonly pod: PodIdentity;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Address from the node's podCIDR; absent with `hostNetwork`. */
  readonly ip?: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly shareProcessNamespace: boolean;
  readonly portMappings: readonly PortMapping[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** Parent cgroup, in the driver's own notation; absent: the runtime's default. */
  readonly cgroupParent?: string;
}

export interface SandboxStatus {
  readonly id: string;
  readonly pod: PodIdentity;
  readonly state: 'ready' | 'not-ready';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly ip?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly propagation: 'private' | 'host-to-container' | 'bidirectional';
}

export interface ContainerResources {
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryLimitBytes?: number;
  readonly oomScoreAdj?: number;
  readonly pidsLimit?: number;
}

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly user?: string;
  readonly supplementalGroups: readonly number[];
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  /** `unconfined`, `runtime/default`, or a path of a profile on the host. */
  readonly seccomp?: string;
  readonly appArmor?: string;
  readonly selinux?: {
    readonly user?: string;
    readonly role?: string;
    readonly type?: string;
    readonly level?: string;
  };
  /** /proc unmasked (`procMount: Unmasked`). */
  readonly unmaskedProc: boolean;
}

export interface ContainerConfig {
  readonly name: string;
  /** Restart count of this container in its pod: part of its name and labels. */
  readonly attempt: number;
  /** Image id or reference, already present. */
  readonly image: string;
  /** Absent: the image's. An empty array is the same as absent. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly {
    readonly hostPath: string;
    readonly containerPath: string;
    readonly permissions: string;
  }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resources: ContainerResources;
  readonly security: ContainerSecurity;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly stopSignal?: string;
  /** A running container of the pod whose process namespace it shares, if the pod has none for all (CRI's NamespaceMode TARGET). */
  readonly targetContainerId?: string;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly pod: PodIdentity;
  readonly name: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly exitCode?: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun` … */
  readonly reason?: string;
  readonly message?: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageStatus {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** The image's USER: numeric uid, or a name. */
  readonly uid?: number;
  readonly username?: string;
}

/** When images are removed to make room: the kubelet's settings. */
export interface GarbagePolicy {
  /** Percent of the disk in use from which on images are removed, and to which: `imageGCHighThresholdPercent` and `…Low…`. */
  readonly highThresholdPercent: number;
  readonly lowThresholdPercent: number;
  /** Images that came here later stay (`imageMinimumGCAge`). */
  readonly minimumAgeMs: number;
}

export const defaultGarbagePolicy: GarbagePolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeMs: 2 * 60_000,
};

export interface DiskUsage {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** What a collection of garbage has found and done. */
export interface ImageCollection {
  /** Of the file system that images are on, before. */
  readonly disk: DiskUsage;
  /** How much had to go to get down to the low threshold; 0: the high one was not reached. */
  readonly wantedBytes: number;
  readonly freedBytes: number;
  /** Images that are no more, by id. */
  readonly images: readonly string[];
}

export interface ImageCredentials {
  readonly username: string;
  readonly password: string;
  readonly serverAddress?: string;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Last lines only; absent: all. */
  readonly tailLines?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly limitBytes?: number;
  /** `All` or one stream. */
  readonly stream?: 'All' | 'Stdout' | 'Stderr';
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin?: Readable;
  readonly stdout: Writable;
  /** Absent with a tty. */
  readonly stderr?: Writable;
  /** Terminal sizes, as they change. */
  readonly resize?: AsyncIterable<{ readonly width: number; readonly height: number }>;
  readonly signal?: AbortSignal;
}

export interface ContainerStats {
  readonly containerId: string;
  readonly pod: PodIdentity;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly cpuNanoseconds: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryRssBytes: number;
}

/** Something happened to a container or sandbox: look at it. May be lost; callers relist now and then. */
export interface RuntimeEvent {
  readonly type: 'created' | 'started' | 'exited' | 'removed' | 'oom';
  readonly containerId: string;
  readonly podUid: string;
}

export interface RuntimeInfo {
  readonly name: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupDriver: 'cgroupfs' | 'systemd' | 'none';
  readonly operatingSystem: string;
  readonly kernelVersion: string;
  readonly architecture: string;
  /** What cannot work here, as conditions of the node: each is either there or not. Absent: nothing is known to be missing. */
  readonly limits?: readonly RuntimeLimit[];
}

/** A condition of a node in the sense of its type. */
export interface RuntimeLimit {
  readonly type: string;
  readonly isThere: boolean;
  readonly reason: string;
  readonly message: string;
}

export type RuntimeErrorCode =
  | 'not-found'
  | 'image-not-found'
  | 'image-unauthorized'
  | 'registry-unavailable'
  | 'pull-failed'
  | 'invalid-image-name'
  | 'create-failed'
  | 'start-failed'
  | 'invalid-argument'
  | 'already-exists'
  | 'unavailable';

/** `message` is fit for a pod's status: the runtime's own words. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';

  constructor(
    readonly code: RuntimeErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The container runtime interface: CRI's verbs. Everything is idempotent where CRI says so (stop and remove of what is
 * gone succeed). All state that outlives the agent is in the runtime's labels. Rejects with `RuntimeError`; `unavailable`
 * means the engine does not answer, and the call may be repeated.
 */
export interface ContainerRuntime {
  info(): Promise<RuntimeInfo>;

  runSandbox(config: SandboxConfig): Promise<SandboxStatus>;
  /** Stops what still runs in it (at once) and releases its network. */
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  listSandboxes(podUid?: string): Promise<readonly SandboxStatus[]>;

  createContainer(sandboxId: string, pod: SandboxConfig, config: ContainerConfig): Promise<string>;
  /** @param signal ends a start that only waits, with its reason; one that is under way is carried out. */
  startContainer(id: string, signal?: AbortSignal): Promise<void>;
  /** Signals the container, and kills it after `timeoutSeconds`. Resolves when it has exited. */
  stopContainer(id: string, timeoutSeconds: number, signal?: string): Promise<void>;
  removeContainer(id: string): Promise<void>;
  listContainers(podUid?: string): Promise<readonly ContainerStatus[]>;
  containerStatus(id: string): Promise<ContainerStatus>;
  updateResources(id: string, resources: ContainerResources): Promise<void>;

  /** Runs a command and collects at most 16 KiB of each stream. */
  execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer; timedOut: boolean }>;
  /** Resolves with the exit code when the command has ended. */
  exec(id: string, options: ExecOptions): Promise<number>;
  attach(id: string, options: Omit<ExecOptions, 'command'>): Promise<void>;
  /** Writes the container's log; resolves at its end, or when `signal` aborts. Timestamps are RFC 3339 with nanoseconds. */
  logs(id: string, options: LogOptions, stdout: Writable, stderr: Writable, signal?: AbortSignal): Promise<void>;
  /** A byte stream to a port inside the sandbox's network namespace. */
  portForward(sandboxId: string, port: number): Promise<NodeJS.ReadWriteStream>;
  stats(): Promise<readonly ContainerStats[]>;

  imageStatus(image: string): Promise<ImageStatus | undefined>;
  listImages(): Promise<readonly ImageStatus[]>;
  /** @returns the image's id */
  pullImage(image: string, credentials?: ImageCredentials): Promise<string>;
  removeImage(image: string): Promise<void>;
  /**
   * Removes images that no container uses, those that were not used for longest first, if their disk is fuller than the policy says. Undefined: images are not
   * this runtime's alone, and stay.
   */
  collectImages(policy: GarbagePolicy): Promise<ImageCollection | undefined>;

  /**
   * Subscribes to events; reconnects by itself. Returns a function that ends it. `resync` is called when events may have been missed (the
   * engine was away): relist. Neither may throw.
   */
  watch(listener: (event: RuntimeEvent) => void, resync?: () => void): () => void;
  /** Stops using the runtime; containers keep running. */
  close(): Promise<void>;
}
