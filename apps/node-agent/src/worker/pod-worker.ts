import { type Timer, hasReason } from '#machinery';
import { resources } from '#api';
import { type ContainerStatus } from '#runtime';
import { sandboxConfigOf } from '../containers/container-config';
import { ContainerError } from '../containers/errors';
import { hostnameOf } from '../containers/hostname';
import { goDuration } from '../pods/back-off';
import { containerHash } from '../pods/container-hash';
import { decide } from '../pods/decide';
import { type Decision, type PodAction } from '../pods/pod-action';
import { findContainer, type PodObject, podText, uidOf } from '../pods/pod-containers';
import { computeStatus, rejectedStatus, type Verdict } from '../pods/pod-status';
import { activeSandbox, latestOf, type PodView, runningTargetOf, type Waiting } from '../pods/pod-view';
import { type MountedVolume, VolumeError } from '../volumes/volume';
import { eventsOf, startContainer } from './container-starter';
import { ContainerStopper } from './container-stopper';
import { type Observation, PodObserver } from './observation';
import { type WorkerContext } from './worker-context';

const maxRetryMs = 10_000;
const deadlineVerdict: Verdict = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/**
 * Makes one pod what the API says it should be. Level-triggered: whatever happens (API, runtime, probe, time) is a reason to look again; passes never
 * overlap. Everything that has to survive a restart is in the runtime and in the API.
 *
 * Life: running, then (deleted, ended, past its deadline) terminating, then finished; the API's object is deleted when nothing runs any more, and when
 * that deletion is seen, the rest is cleaned up and `onGone` called.
 */
export class PodWorker {
  private readonly observer: PodObserver;
  private readonly stopper: ContainerStopper;
  private readonly startErrors = new Map<string, Waiting>();
  /** Containers that are not tried again before a time. */
  private readonly heldUntil = new Map<string, number>();
  private readonly startFailures = new Map<string, number>();
  private readonly hooksPending = new Set<string>();
  private readonly reportedBackOffs = new Map<string, number>();
  private readonly ending = new AbortController();

  private pass: Promise<void> | undefined;
  private isDirty = false;
  private timer: Timer | undefined;
  private failures = 0;
  private termination: { since: number; graceSeconds: number } | undefined;
  private verdict: Verdict | undefined;
  private state: 'new' | 'running' | 'rejected' | 'finished' | 'cleaned' = 'new';
  private isGone = false;
  private isDeleting = false;
  private isDrained = false;
  private isStopped = false;
  private knownIp: string | undefined;
  private fingerprint = '';

  constructor(
    private pod: PodObject,
    private readonly context: WorkerContext,
    private readonly onGone: () => void,
  ) {
    this.observer = new PodObserver(context);
    this.stopper = new ContainerStopper(context, () => this.wake());
  }

  get current(): PodObject {
    return this.pod;
  }

  /** Takes part in what is used on the node. */
  get isAdmitted(): boolean {
    return this.state === 'running';
  }

  get ip(): string | undefined {
    return this.knownIp;
  }

  update(pod: PodObject): void {
    const before = this.pod;
    this.pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) this.ending.abort(new Error('the pod is being deleted'));
    this.context.statuses.observe(pod);
    if (isRelevantChange(before, pod)) this.wake();
  }

  /** The API has no such pod any more. */
  remove(pod: PodObject): void {
    this.pod = pod;
    this.isGone = true;
    this.ending.abort(new Error('the pod was deleted'));
    this.wake();
  }

  /** Something may have changed: look again. */
  wake(): void {
    this.isDirty = true;
    if (this.isStopped || this.pass !== undefined) return;
    this.pass = this.run().finally(() => {
      this.pass = undefined;
      if (this.isDirty) this.wake();
    });
  }

  /** The runtime's view of the pod, in short: wakes the worker when it is another than at the last pass. */
  compare(fingerprint: string): void {
    if (fingerprint !== this.fingerprint) this.wake();
  }

  /** Renews the content of volumes that follow the API. */
  async refreshVolumes(): Promise<void> {
    const { filesystem } = this.context;
    if (filesystem === undefined || this.state !== 'running' || this.termination !== undefined) return;
    if (!filesystem.volumes.hasLiveVolumes(this.pod) || this.knownIp === undefined) return;
    await filesystem.setUpVolumes(this.pod, { podIp: this.knownIp, hostIp: this.context.node.hostIp });
  }

  /** Leaves the pod as it is. Resolves when the pass in flight has ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.ending.abort(new Error('the agent stops'));
    this.timer?.cancel();
    await this.pass;
  }

  private async run(): Promise<void> {
    while (this.isDirty && !this.isStopped) {
      this.isDirty = false;
      try {
        await this.sync();
        this.failures = 0;
      } catch (error) {
        if (this.isStopped) return;
        if (this.ending.signal.aborted && error === this.ending.signal.reason) {
          this.isDirty = true;
          continue;
        }
        this.context.logger.warn({ err: error, pod: podText(this.pod) }, 'pod not synced');
        this.wakeIn(this.retryDelay(this.failures++));
      }
    }
  }

  private async sync(): Promise<void> {
    if (this.state === 'cleaned') return;
    this.checkTermination();
    const observation = await this.observer.observe(this.pod);
    this.fingerprint = fingerprintOf(observation.containers);
    if (this.state === 'new' && !(await this.admit(observation))) return;
    if (this.state === 'rejected') return this.finish();
    const view = this.viewOf(observation);
    const decision = decide(view);
    const isFinished = decision.state === 'finished';
    if (isFinished) this.state = 'finished';
    const { statuses, node } = this.context;
    const previous = statuses.statusOf(uidOf(this.pod)) ?? this.pod.status;
    this.reportBackOffs(decision);
    if (!this.isGone) statuses.set(this.pod, computeStatus(view, previous, node, isFinished, this.verdict));
    if (isFinished) return this.finish();
    if (await this.perform(decision.actions, view)) this.isDirty = true;
    this.scheduleNext(decision);
  }

  private checkTermination(): void {
    const { metadata, spec, status } = this.pod;
    const now = this.context.clock.now();
    const limit = spec?.activeDeadlineSeconds;
    const startedAt = Date.parse(this.context.statuses.statusOf(uidOf(this.pod))?.startTime ?? status?.startTime ?? '');
    const isOverdue = limit !== undefined && now >= startedAt + limit * 1000;
    const isEnded = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    if (isOverdue && !isEnded && this.verdict === undefined && this.termination === undefined) {
      this.verdict = deadlineVerdict;
      this.context.recorder.event(this.pod, 'Normal', deadlineVerdict.reason, deadlineVerdict.message);
    }
    const isDeleted = metadata?.deletionTimestamp !== undefined || this.isGone;
    if (!isDeleted && this.verdict === undefined && !(isEnded && this.state === 'new')) return;
    const graceSeconds = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    if (this.termination === undefined) {
      this.termination = { since: now, graceSeconds };
      this.context.probes.stopLiveness(uidOf(this.pod));
    } else this.termination.graceSeconds = Math.min(this.termination.graceSeconds, graceSeconds);
  }

  /** Decided once, for pods that this node has not started yet. */
  private async admit({ sandboxes, containers }: Observation): Promise<boolean> {
    const isOurs = sandboxes.length > 0 || containers.length > 0 || this.termination !== undefined;
    let verdict = isOurs ? undefined : this.context.admit(this.pod);
    if (verdict?.reason === 'NodeAffinity') {
      await this.context.refreshNode();
      // At once with the change of state: what is admitted counts for the next pod.
      verdict = this.context.admit(this.pod);
    }
    if (verdict === undefined) {
      this.state = 'running';
      return true;
    }
    this.state = 'rejected';
    this.context.recorder.event(this.pod, 'Warning', verdict.reason, verdict.message);
    this.context.statuses.set(this.pod, rejectedStatus(this.pod, this.context.clock.now(), verdict));
    return false;
  }

  private viewOf({ sandboxes, containers }: Observation): PodView {
    const { probes, restarts, clock } = this.context;
    const ip = activeSandbox({ sandboxes })?.ip;
    this.knownIp = this.pod.spec?.hostNetwork === true ? this.context.node.hostIp : (ip ?? this.knownIp);
    for (const container of containers) this.probe(container);
    const now = clock.now();
    return {
      pod: this.pod,
      now,
      sandboxes,
      containers,
      health: (id) => (this.hooksPending.has(id) ? { isStarted: false, isReady: false } : probes.health(id)),
      stopping: this.stopper.stopping,
      blockedUntil: (name, finishedAt) => restarts.blockedUntil(this.restartKey(name), finishedAt, now),
      startErrors: this.startErrors,
      hashOf: (name) => {
        const spec = findContainer(this.pod, name)?.spec;
        return spec === undefined ? '' : containerHash(spec);
      },
      ...(this.termination === undefined ? {} : { termination: this.termination }),
    };
  }

  private probe(status: ContainerStatus): void {
    const { probes, node } = this.context;
    const found = findContainer(this.pod, status.name);
    if (status.state !== 'running' || found === undefined) return probes.untrack(status.id);
    const { initContainerStatuses = [], containerStatuses = [] } = this.pod.status ?? {};
    probes.track({
      podUid: uidOf(this.pod),
      containerId: status.id,
      container: found.spec,
      ip: this.knownIp ?? node.hostIp,
      startedAt: status.startedAt ?? status.createdAt,
      previous: [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === status.name),
      onChange: () => this.wake(),
      onUnhealthy: (message) => eventsOf(this.context, this.pod, status.name)('Warning', 'Unhealthy', message),
    });
  }

  /** @returns whether anything was done that calls for another look */
  private async perform(actions: readonly PodAction[], view: PodView): Promise<boolean> {
    let hasActed = false;
    let volumes: ReadonlyMap<string, MountedVolume> | undefined;
    for (const action of actions) {
      switch (action.type) {
        case 'create-sandbox':
          hasActed = (await this.createSandbox(action.attempt)) || hasActed;
          break;
        case 'stop-sandbox':
          await this.context.runtime.stopSandbox(action.id);
          hasActed = true;
          break;
        case 'stop-container':
          await this.drain();
          this.stopper.stop(this.pod, action, this.knownIp);
          break;
        case 'start-container': {
          if (this.ending.signal.aborted || this.context.clock.now() < (this.heldUntil.get(action.name) ?? 0)) break;
          volumes ??= await this.setUpVolumes(view);
          await this.start(action, view, volumes);
          hasActed = true;
          break;
        }
      }
    }
    return hasActed;
  }

  private async createSandbox(attempt: number): Promise<boolean> {
    const { addresses, runtime, recorder, filesystem, clusterDomain, cgroupParent } = this.context;
    const isHostNetwork = this.pod.spec?.hostNetwork === true;
    if (!isHostNetwork && !addresses.isReady) {
      // The node's podCIDR wakes every worker when it comes.
      const cause = 'NetworkReady=false reason:NetworkPluginNotReady message:the node has no podCIDR yet';
      recorder.event(
        this.pod,
        'Warning',
        'NetworkNotReady',
        `network is not ready: container runtime network not ready: ${cause}`,
      );
      return false;
    }
    if (attempt > 0) {
      recorder.event(this.pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    }
    const { hostname } = hostnameOf(this.pod, clusterDomain);
    try {
      const ip = isHostNetwork ? undefined : addresses.allocate(uidOf(this.pod));
      if (!isHostNetwork && ip === undefined) throw new Error('no addresses left in the podCIDR of the node');
      await filesystem?.writePodFiles(this.pod, ip);
      await runtime.runSandbox(sandboxConfigOf(this.pod, { attempt, hostname, ip, cgroupParent }));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      recorder.event(this.pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`);
      throw error;
    }
    return true;
  }

  private async setUpVolumes(view: PodView): Promise<ReadonlyMap<string, MountedVolume>> {
    const { filesystem, node, recorder } = this.context;
    if (filesystem === undefined) return new Map();
    try {
      await filesystem.writePodFiles(this.pod, activeSandbox(view)?.ip);
      return await filesystem.setUpVolumes(this.pod, { podIp: this.knownIp, hostIp: node.hostIp });
    } catch (error) {
      if (error instanceof VolumeError) {
        recorder.event(
          this.pod,
          'Warning',
          'FailedMount',
          `MountVolume.SetUp failed for volume "${error.volume}" : ${error.message}`,
        );
      }
      throw error;
    }
  }

  private async start(
    { name, attempt }: Extract<PodAction, { type: 'start-container' }>,
    view: PodView,
    volumes: ReadonlyMap<string, MountedVolume>,
  ): Promise<void> {
    const { clock, restarts, clusterDomain, cgroupParent } = this.context;
    const sandbox = activeSandbox(view);
    const container = findContainer(this.pod, name)?.spec;
    if (sandbox === undefined || container === undefined) return;
    const latest = latestOf(view, name);
    if (latest?.state === 'exited')
      restarts.next(this.restartKey(name), latest.finishedAt ?? latest.createdAt, clock.now());
    const { hostname } = hostnameOf(this.pod, clusterDomain);
    let startedId: string | undefined;
    try {
      await startContainer(this.context, {
        pod: this.pod,
        container,
        attempt,
        sandboxId: sandbox.id,
        sandbox: sandboxConfigOf(this.pod, { attempt: sandbox.pod.attempt, hostname, ip: sandbox.ip, cgroupParent }),
        ip: this.knownIp,
        targetContainerId: runningTargetOf(view, container),
        volumes,
        signal: this.ending.signal,
        onStarted: (id) => {
          startedId = id;
          if (container.lifecycle?.postStart !== undefined) this.hooksPending.add(id);
        },
      });
      this.startErrors.delete(name);
      this.startFailures.delete(name);
      this.heldUntil.delete(name);
      await this.removeOld(view, name);
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      this.startErrors.set(name, { reason: error.reason, message: error.message });
      this.hold(name, error, container.image ?? '');
      if (startedId === undefined) return;
      const graceSeconds = this.pod.spec?.terminationGracePeriodSeconds ?? 30;
      const message = 'FailedPostStartHook';
      this.stopper.stop(this.pod, { type: 'stop-container', id: startedId, name, message, graceSeconds }, this.knownIp);
    } finally {
      if (startedId !== undefined) this.hooksPending.delete(startedId);
    }
  }

  private hold(name: string, error: ContainerError, image: string): void {
    const failures = this.startFailures.get(name) ?? 0;
    this.startFailures.set(name, failures + 1);
    const blocked =
      error.reason === 'ImagePullBackOff' ? this.context.images.blockedUntil(uidOf(this.pod), image) : undefined;
    this.heldUntil.set(name, blocked ?? this.context.clock.now() + this.retryDelay(failures));
  }

  /** One dead container of a name is kept, for its log and its last state. */
  private async removeOld({ containers }: PodView, name: string): Promise<void> {
    const dead = containers.filter((container) => container.name === name && container.state !== 'running');
    for (const { id } of dead.slice(1)) await this.context.runtime.removeContainer(id);
  }

  /** Before the first signal, once: the node's service proxy stops sending to the pod. */
  private async drain(): Promise<void> {
    if (this.termination === undefined || this.isDrained) return;
    this.isDrained = true;
    await this.context.drain(this.pod);
  }

  private reportBackOffs({ backingOff }: Decision): void {
    for (const [name, until] of backingOff) {
      const delayText = goDuration(this.context.restarts.delayOf(this.restartKey(name)));
      const message = `back-off ${delayText} restarting failed container=${name} pod=${podText(this.pod)}`;
      this.startErrors.set(name, { reason: 'CrashLoopBackOff', message });
      if (this.reportedBackOffs.get(name) === until) continue;
      this.reportedBackOffs.set(name, until);
      const text = `Back-off restarting failed container ${name} in pod ${podText(this.pod)}`;
      eventsOf(this.context, this.pod, name)('Warning', 'BackOff', text);
    }
  }

  /** Nothing runs any more: tell the API, and once it has let go, clean up. */
  private async finish(): Promise<void> {
    const { statuses, client, addresses } = this.context;
    const { namespace = '', name = '', uid, deletionTimestamp } = this.pod.metadata ?? {};
    if (this.isGone) return this.cleanUp();
    addresses.release(uidOf(this.pod));
    if (deletionTimestamp === undefined || this.isDeleting) return;
    await statuses.flushed(uidOf(this.pod));
    this.isDeleting = true;
    try {
      await client.delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (hasReason(error, 'NotFound', 'Conflict')) return;
      this.isDeleting = false;
      throw error;
    }
  }

  private async cleanUp(): Promise<void> {
    const { runtime, filesystem, addresses, statuses, images, restarts, probes } = this.context;
    const uid = uidOf(this.pod);
    statuses.forget(uid);
    const { sandboxes, containers } = await this.observer.observe(this.pod);
    for (const { id } of containers) {
      probes.untrack(id);
      await runtime.removeContainer(id);
    }
    for (const { id } of sandboxes) await runtime.removeSandbox(id);
    await filesystem?.volumes.tearDown(uid);
    addresses.release(uid);
    images.forget(uid);
    restarts.forget(`${uid}_`);
    this.timer?.cancel();
    this.state = 'cleaned';
    this.onGone();
  }

  private scheduleNext({ backingOff }: Decision): void {
    const { clock, statuses } = this.context;
    const times = [...backingOff.values(), ...this.heldUntil.values()];
    const limit = this.pod.spec?.activeDeadlineSeconds;
    const startTime = Date.parse(statuses.statusOf(uidOf(this.pod))?.startTime ?? '');
    if (limit !== undefined && !Number.isNaN(startTime) && this.termination === undefined)
      times.push(startTime + limit * 1000);
    const next = Math.min(...times.filter((time) => time > clock.now()));
    if (Number.isFinite(next)) this.wakeIn(next - clock.now());
    else this.timer?.cancel();
  }

  private wakeIn(ms: number): void {
    this.timer?.cancel();
    if (this.isStopped) return;
    this.timer = this.context.clock.setTimer(ms, () => this.wake());
  }

  private retryDelay(failures: number): number {
    return Math.min(maxRetryMs, 1000 * 2 ** failures) * (0.75 + this.context.random() / 2);
  }

  private restartKey(name: string): string {
    const spec = findContainer(this.pod, name)?.spec;
    return `${uidOf(this.pod)}_${name}_${spec === undefined ? '' : containerHash(spec)}`;
  }
}

/** What runs and what ended: everything that a relist could find changed. */
export function fingerprintOf(containers: readonly ContainerStatus[]): string {
  return containers
    .map(({ id, state }) => `${id}:${state}`)
    .sort()
    .join(' ');
}

/** Status written by this node comes back as an update: it is no news. */
function isRelevantChange(before: PodObject, after: PodObject): boolean {
  const a = before.metadata ?? {};
  const b = after.metadata ?? {};
  return (
    a.generation !== b.generation ||
    a.generation === undefined ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    a.deletionGracePeriodSeconds !== b.deletionGracePeriodSeconds ||
    (after.spec?.readinessGates ?? []).length > 0 ||
    after.status?.phase !== before.status?.phase
  );
}
