import { resources, type PodCondition, type PodStatus } from '#api';
import { type ObjectClient } from '#client';
import { deepEqualSemantic } from '#controller';
import { type Clock, type DeepReadonly, hasReason, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { type PodObject, podText, uidOf } from '../pods/pod-containers';

interface Entry {
  pod: PodObject;
  wanted: DeepReadonly<PodStatus>;
  /** What the API holds, as far as this node knows, and in which version. */
  written: DeepReadonly<PodStatus> | undefined;
  version: number;
  isQueued: boolean;
  isWriting: boolean;
  failures: number;
  waiters: (() => void)[];
}

interface StatusWriterOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Writes at the same time. Default 8. */
  readonly concurrency?: number;
  /** How long a change waits for the next one. Default 5 ms: what a quick start passes through is never written. */
  readonly gatherMs?: number;
}

/**
 * Writes pod statuses: only what changed, only the latest, a few at a time, again until it succeeds. Conditions of others are left alone (strategic
 * merge by type); a write for a pod of the same name but another UID is refused by the API.
 */
export class StatusWriter {
  private readonly entries = new Map<string, Entry>();
  private readonly queue: Entry[] = [];
  private readonly retries = new Set<Timer>();
  private timer: Timer | undefined;
  private active = 0;
  private isStopped = false;

  constructor(private readonly options: StatusWriterOptions) {}

  /** The status that the pod has or will have. */
  statusOf(uid: string): DeepReadonly<PodStatus> | undefined {
    return this.entries.get(uid)?.wanted;
  }

  set(pod: PodObject, status: DeepReadonly<PodStatus>): void {
    const entry = this.entries.get(uidOf(pod));
    if (entry === undefined) {
      const fresh: Entry = {
        pod,
        wanted: status,
        written: pod.status,
        version: versionOf(pod),
        isQueued: false,
        isWriting: false,
        failures: 0,
        waiters: [],
      };
      this.entries.set(uidOf(pod), fresh);
      this.enqueue(fresh);
      return;
    }
    entry.pod = pod;
    entry.wanted = status;
    this.enqueue(entry);
  }

  /** The API's copy has changed: what others did to the status is put right. Older copies than what was written are ignored. */
  observe(pod: PodObject): void {
    const entry = this.entries.get(uidOf(pod));
    if (entry === undefined || entry.isQueued || entry.isWriting || versionOf(pod) <= entry.version) return;
    entry.written = pod.status;
    entry.version = versionOf(pod);
    this.enqueue(entry);
  }

  /** Resolves once everything set so far is in the API, or the pod is gone from there. */
  flushed(uid: string): Promise<void> {
    const entry = this.entries.get(uid);
    if (entry === undefined || (!entry.isQueued && !entry.isWriting)) return Promise.resolve();
    return new Promise((resolve) => entry.waiters.push(resolve));
  }

  /** The pod is gone. */
  forget(uid: string): void {
    const entry = this.entries.get(uid);
    this.entries.delete(uid);
    if (entry !== undefined) settle(entry);
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    for (const timer of this.retries) timer.cancel();
    for (const entry of this.entries.values()) settle(entry);
  }

  private enqueue(entry: Entry): void {
    if (this.isStopped || entry.isQueued || entry.isWriting) return;
    if (entry.written !== undefined && deepEqualSemantic(comparable(entry.wanted), comparable(entry.written))) return;
    entry.isQueued = true;
    this.queue.push(entry);
    this.timer ??= this.options.clock.setTimer(this.options.gatherMs ?? 5, () => {
      this.timer = undefined;
      this.pump();
    });
  }

  private pump(): void {
    while (this.active < (this.options.concurrency ?? 8) && !this.isStopped) {
      const entry = this.queue.shift();
      if (entry === undefined) return;
      entry.isQueued = false;
      if (this.entries.get(uidOf(entry.pod)) !== entry) continue;
      this.active++;
      entry.isWriting = true;
      void this.write(entry).finally(() => {
        this.active--;
        this.pump();
      });
    }
  }

  private async write(entry: Entry): Promise<void> {
    const { pod, wanted } = entry;
    const { namespace = '', name = '' } = pod.metadata ?? {};
    try {
      const patch = { metadata: { uid: uidOf(pod) }, status: statusPatch(wanted, entry.written) };
      const options = { subresource: 'status' };
      const answer = await this.options.client.patch(resources.pods, { namespace, name }, 'strategic', patch, options);
      entry.written = wanted;
      entry.version = versionOf(answer);
      entry.failures = 0;
    } catch (error) {
      // Gone, or another pod of that name: nobody is interested any more.
      if (!hasReason(error, 'NotFound', 'Conflict')) return this.retry(entry, error);
      entry.written = wanted;
    }
    entry.isWriting = false;
    if (entry.wanted !== wanted) this.enqueue(entry);
    if (!entry.isQueued) settle(entry);
  }

  private retry(entry: Entry, error: unknown): void {
    const { clock, random, logger } = this.options;
    entry.failures++;
    logger.warn({ err: error, pod: podText(entry.pod) }, 'pod status not written');
    const delayMs = Math.min(10_000, 100 * 2 ** entry.failures) * (0.5 + random() / 2);
    if (this.isStopped) return settle(entry);
    const timer = clock.setTimer(delayMs, () => {
      this.retries.delete(timer);
      entry.isWriting = false;
      this.enqueue(entry);
    });
    this.retries.add(timer);
  }
}

/** Versions are store revisions; they only grow. */
function versionOf({ metadata }: PodObject): number {
  return Number(metadata?.resourceVersion ?? 0);
}

function settle(entry: Entry): void {
  for (const resolve of entry.waiters.splice(0)) resolve();
}

const owned = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);

function comparable({ conditions = [], ...status }: DeepReadonly<PodStatus>): object {
  const own = conditions.filter(({ type }) => owned.has(type));
  return { ...status, conditions: Object.fromEntries(own.map((condition) => [condition.type, condition])) };
}

/** Fields that this node sets; those that it set before and no longer has are removed. */
export function statusPatch(wanted: DeepReadonly<PodStatus>, written: DeepReadonly<PodStatus> | undefined): object {
  const patch: Record<string, unknown> = { ...wanted };
  for (const field of ['reason', 'message', 'podIP'] as const) {
    if (wanted[field] === undefined && written?.[field] !== undefined) patch[field] = null;
  }
  for (const field of ['podIPs', 'hostIPs'] as const) {
    const kept = wanted[field] ?? [];
    const gone = (written?.[field] ?? []).filter(({ ip }) => !kept.some((other) => other.ip === ip));
    if (gone.length > 0) patch[field] = [...kept, ...gone.map(({ ip }) => ({ ip, $patch: 'delete' }))];
  }
  // Conditions merge by type, field by field: what a condition no longer says has to be said.
  patch.conditions = (wanted.conditions ?? []).map((condition) => {
    const before = written?.conditions?.find(({ type }) => type === condition.type);
    const cleared: Partial<Record<keyof PodCondition, null>> = {};
    for (const field of ['reason', 'message'] as const) {
      if (condition[field] === undefined && before?.[field] !== undefined) cleared[field] = null;
    }
    return { ...condition, ...cleared };
  });
  return patch;
}
