import { resources } from '#api';
import { type InformerFactory } from '#controller';
import { type Timer } from '#machinery';
import { type ContainerStatus, type RuntimeEvent, type SandboxStatus } from '#runtime';
import { type PodObject, uidOf } from '../pods/pod-containers';
import { fingerprintOf, PodWorker } from './pod-worker';
import { type WorkerContext } from './worker-context';

const relistMs = 30_000;
const startRetryMs = 1000;

interface PodManagerOptions {
  readonly nodeName: string;
  readonly informers: InformerFactory;
  /** Lazily: the context's admission asks this manager for its pods. */
  readonly context: WorkerContext;
  readonly volumeRefreshMs: number;
}

/** One worker a pod of this node, woken by the API and by the runtime. Finds what an earlier agent left. */
export class PodManager {
  private readonly workers = new Map<string, PodWorker>();
  private readonly timers = new Map<string, Timer>();
  private readonly endings: (() => void)[] = [];
  private isStopped = false;

  constructor(private readonly options: PodManagerOptions) {}

  /** Pods that count against the node's resources. */
  admittedPods(): readonly PodObject[] {
    return [...this.workers.values()].filter(({ isAdmitted }) => isAdmitted).map(({ current }) => current);
  }

  worker(uid: string): PodWorker | undefined {
    return this.workers.get(uid);
  }

  find(namespace: string, name: string): PodWorker | undefined {
    for (const worker of this.workers.values()) {
      const { metadata } = worker.current;
      if (metadata?.namespace === namespace && metadata.name === name) return worker;
    }
    return undefined;
  }

  pods(): readonly PodObject[] {
    return [...this.workers.values()].map(({ current }) => current);
  }

  /** Starts once the runtime has said what it holds: addresses are not given out twice. Tries again until then. */
  start(): void {
    void this.begin().catch((error: unknown) => {
      if (this.isStopped) return;
      this.options.context.logger.warn({ err: error }, 'the runtime does not answer; pods wait');
      this.after('start', startRetryMs, () => this.start());
    });
  }

  wakeAll(): void {
    for (const worker of this.workers.values()) worker.wake();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const end of this.endings.splice(0)) end();
    for (const timer of this.timers.values()) timer.cancel();
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
  }

  private async begin(): Promise<void> {
    const { informers, nodeName, context, volumeRefreshMs } = this.options;
    const sandboxes = await context.runtime.listSandboxes();
    if (this.isStopped) return;
    for (const { pod, ip } of sandboxes) if (ip !== undefined) context.addresses.claim(pod.uid, ip);
    this.endings.push(context.runtime.watch((event) => this.onRuntimeEvent(event)));
    const informer = informers.informer(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    await informer.waitFor(0);
    if (this.isStopped) return;
    this.endings.push(
      informer.addHandler({
        onAdd: (pod) => this.onPod(pod),
        onUpdate: (pod, old) => {
          if (uidOf(old) !== uidOf(pod)) this.onRemoved(old);
          this.onPod(pod);
        },
        onDelete: (pod) => this.onRemoved(pod),
      }),
    );
    await this.relist();
    if (context.filesystem !== undefined) this.refreshLater(volumeRefreshMs);
  }

  private onPod(pod: PodObject): void {
    const worker = this.workers.get(uidOf(pod));
    if (worker !== undefined) worker.update(pod);
    else this.add(pod).wake();
  }

  private onRemoved(pod: PodObject): void {
    this.workers.get(uidOf(pod))?.remove(pod);
  }

  private add(pod: PodObject): PodWorker {
    const uid = uidOf(pod);
    const worker = new PodWorker(pod, this.options.context, () => this.workers.delete(uid));
    this.workers.set(uid, worker);
    return worker;
  }

  private onRuntimeEvent({ podUid, type }: RuntimeEvent): void {
    // What the agent itself asked for it has already seen.
    if (type === 'exited' || type === 'oom' || type === 'removed') this.workers.get(podUid)?.wake();
  }

  /** Events may be lost: now and then everything is compared. What belongs to no pod is brought down. */
  private async relist(): Promise<void> {
    const { context } = this.options;
    try {
      const [containers, sandboxes] = await Promise.all([
        context.runtime.listContainers(),
        context.runtime.listSandboxes(),
      ]);
      const byPod = new Map<string, ContainerStatus[]>();
      for (const container of containers) {
        const list = byPod.get(container.pod.uid);
        if (list === undefined) byPod.set(container.pod.uid, [container]);
        else list.push(container);
      }
      for (const [uid, worker] of this.workers) worker.compare(fingerprintOf(byPod.get(uid) ?? []));
      await this.removeOrphans(sandboxes, containers);
    } catch (error) {
      context.logger.warn({ err: error }, 'the runtime was not listed');
    }
    if (!this.isStopped) this.after('relist', relistMs, () => void this.relist());
  }

  private async removeOrphans(
    sandboxes: readonly SandboxStatus[],
    containers: readonly ContainerStatus[],
  ): Promise<void> {
    const { filesystem } = this.options.context;
    for (const { pod } of [...sandboxes, ...containers]) {
      if (this.workers.has(pod.uid) || this.isStopped) continue;
      const own = containers.filter((container) => container.pod.uid === pod.uid);
      const orphan = orphanPod(pod, own);
      this.options.context.logger.info({ pod: pod.uid, name: pod.name }, 'removing a pod that the API does not know');
      this.add(orphan).remove(orphan);
    }
    for (const uid of (await filesystem?.volumes.podsOnDisk()) ?? []) {
      if (!this.workers.has(uid) && !this.isStopped) await filesystem?.volumes.tearDown(uid);
    }
  }

  private refreshLater(ms: number): void {
    this.after('refresh', ms, () => {
      void this.refresh().finally(() => {
        if (!this.isStopped) this.refreshLater(ms);
      });
    });
  }

  private async refresh(): Promise<void> {
    for (const worker of this.workers.values()) {
      if (this.isStopped) return;
      try {
        await worker.refreshVolumes();
      } catch (error) {
        this.options.context.logger.warn({ err: error, pod: uidOf(worker.current) }, 'volumes not refreshed');
      }
    }
  }

  private after(name: string, ms: number, callback: () => void): void {
    this.timers.get(name)?.cancel();
    this.timers.set(name, this.options.context.clock.setTimer(ms, callback));
  }
}

/** As much of a pod as the runtime's labels tell: enough to bring it down. */
function orphanPod({ namespace, name, uid }: SandboxStatus['pod'], containers: readonly ContainerStatus[]): PodObject {
  const grace = containers[0]?.annotations['io.kubernetes.pod.terminationGracePeriod'];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, uid },
    spec: {
      containers: containers.map((container) => ({ name: container.name, image: container.image })),
      ...(grace === undefined ? {} : { terminationGracePeriodSeconds: Number(grace) }),
    },
  };
}
