import { type Clock, type Timer } from '#machinery';
import { hasSameDemands, type PodInfo } from './pod-info';

/** Upstream's podInitialBackoffSeconds and podMaxBackoffSeconds. */
const INITIAL_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 10_000;
/** A pod is tried again after this long even if nothing seems to have changed. */
const MAX_UNSCHEDULABLE_MS = 5 * 60_000;

export interface QueuedPod {
  info: PodInfo;
  /** How often it was tried. */
  attempts: number;
  /** Its turn among equal priorities: the order of entry into the queue. */
  readonly turn: number;
}

type Place = 'active' | 'backoff' | 'unschedulable' | 'gated' | 'in-flight';

interface Entry extends QueuedPod {
  place: Place;
  /** Monotonic time at which back-off, or the wait as unschedulable, ends. */
  due: number;
}

/**
 * Pods that wait for a node: *active* ones are ready to be tried, in order of priority, then age; those that failed wait in
 * *back-off*, or as *unschedulable* until something changes in the cluster; *gated* ones until their gates are gone (KEP-3521).
 */
export class SchedulingQueue {
  private readonly entries = new Map<string, Entry>();
  private readonly active = new PriorityHeap();
  /** Counts cluster changes: a pod that failed while one happened is not put aside as unschedulable. */
  private changes = 0;
  private turns = 0;
  private timer?: Timer;

  constructor(
    private readonly clock: Clock,
    /** Called when the queue may have something to pop. Not called from within `pop`. */
    private readonly wake: () => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  counts(): Record<Exclude<Place, 'in-flight'>, number> {
    const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
    for (const entry of this.entries.values()) if (entry.place !== 'in-flight') counts[entry.place]++;
    return counts;
  }

  /** Adds a pod, or replaces what is known of it; an update may make it schedulable, hence puts it back to *active*. */
  add(info: PodInfo): void {
    const known = this.entries.get(info.uid);
    if (known === undefined) {
      const entry: Entry = { info, attempts: 0, turn: this.turns++, place: 'gated', due: 0 };
      this.entries.set(info.uid, entry);
      this.activate(entry);
      return;
    }
    const changed = !hasSameDemands(known.info.pod, info.pod);
    known.info = info;
    if (changed && (known.place === 'unschedulable' || known.place === 'gated')) this.activate(known);
  }

  remove(uid: string): void {
    this.entries.delete(uid);
  }

  /** The next pod to try. The caller ends with `done`, `retryLater` or `park`. */
  pop(): (QueuedPod & { readonly change: number }) | undefined {
    for (let entry = this.active.pop(); entry !== undefined; entry = this.active.pop()) {
      if (entry.place !== 'active' || this.entries.get(entry.info.uid) !== entry) continue;
      entry.place = 'in-flight';
      entry.attempts++;
      return { info: entry.info, attempts: entry.attempts, turn: entry.turn, change: this.changes };
    }
    return undefined;
  }

  /** Scheduled: the queue forgets it. */
  done(uid: string): void {
    this.entries.delete(uid);
  }

  /** An error, not a verdict: try again after back-off. */
  retryLater(uid: string): void {
    const entry = this.entries.get(uid);
    if (entry !== undefined) this.backOff(entry);
  }

  /** No node fits: wait for a change, unless there was one since `change`. */
  park(uid: string, change: number): void {
    const entry = this.entries.get(uid);
    if (entry === undefined) return;
    if (change !== this.changes) return this.backOff(entry);
    entry.place = 'unschedulable';
    entry.due = this.clock.monotonic() + MAX_UNSCHEDULABLE_MS;
    this.arm();
  }

  /** Something changed that may make room: every unschedulable pod gets another chance, after its back-off. */
  clusterChanged(): void {
    this.changes++;
    const now = this.clock.monotonic();
    for (const entry of this.entries.values()) {
      if (entry.place !== 'unschedulable') continue;
      const parkedAt = entry.due - MAX_UNSCHEDULABLE_MS;
      if (parkedAt + backoffOf(entry) <= now) this.activate(entry);
      else this.backOff(entry, parkedAt);
    }
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.entries.clear();
  }

  private activate(entry: Entry): void {
    if ((entry.info.pod.spec?.schedulingGates ?? []).length > 0) {
      entry.place = 'gated';
      return;
    }
    entry.place = 'active';
    this.active.push(entry);
    this.wake();
  }

  private backOff(entry: Entry, since = this.clock.monotonic()): void {
    entry.place = 'backoff';
    entry.due = since + backoffOf(entry);
    this.arm();
  }

  /** One timer for the earliest due entry. */
  private arm(): void {
    this.timer?.cancel();
    let due = Infinity;
    for (const entry of this.entries.values()) {
      if (entry.place === 'backoff' || entry.place === 'unschedulable') due = Math.min(due, entry.due);
    }
    this.timer = due === Infinity ? undefined : this.clock.setTimer(due - this.clock.monotonic(), () => this.flush());
  }

  private flush(): void {
    const now = this.clock.monotonic();
    for (const entry of this.entries.values()) {
      if ((entry.place === 'backoff' || entry.place === 'unschedulable') && entry.due <= now) this.activate(entry);
    }
    this.arm();
  }
}

function backoffOf(entry: Entry): number {
  return Math.min(MAX_BACKOFF_MS, INITIAL_BACKOFF_MS * 2 ** (entry.attempts - 1));
}

/** A binary heap of entries: highest priority first, then the oldest. */
class PriorityHeap {
  private readonly items: Entry[] = [];

  push(entry: Entry): void {
    let index = this.items.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, this.items[parent] as Entry)) break;
      this.items[index] = this.items[parent] as Entry;
      index = parent;
    }
    this.items[index] = entry;
  }

  pop(): Entry | undefined {
    const top = this.items[0];
    const last = this.items.pop();
    if (top === undefined || last === undefined || this.items.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.items.length) break;
      const right = this.items[child + 1];
      if (right !== undefined && isBefore(right, this.items[child] as Entry)) child++;
      if (!isBefore(this.items[child] as Entry, last)) break;
      this.items[index] = this.items[child] as Entry;
      index = child;
    }
    this.items[index] = last;
    return top;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  const [left, right] = [a.info.pod.spec?.priority ?? 0, b.info.pod.spec?.priority ?? 0];
  return left === right ? a.turn < b.turn : left > right;
}
