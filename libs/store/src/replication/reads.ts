import { type RaftNode, type ReadState } from '#raft';
import { type StoreError } from '../key-value-store';
import { type MemberMetrics } from '../member-metrics';

/** As etcd's: a question that got no answer for so long is asked again. */
const RETRY_MS = 500;

interface Waiter {
  readonly startedAt: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Linearizable reads (ReadIndex, dissertation 6.4): the leader says how far the log was committed when the read began, and the read
 * waits until that has been applied here. One question is under way for all that gathered before it; others wait for the next.
 */
export class Reads {
  private gathering: Waiter[] = [];
  private asked: { readonly context: bigint; readonly at: number; readonly waiters: readonly Waiter[] } | undefined;
  private confirmed: { readonly index: number; readonly waiters: readonly Waiter[] }[] = [];

  /** @param context first of the questions' names, which no other member may use: a random number */
  constructor(
    private context: bigint,
    private readonly monotonic: () => number,
    private readonly metrics: Pick<MemberMetrics, 'readIndexesFailed' | 'slowReadIndexes'>,
  ) {}

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.gathering.push({ startedAt: this.monotonic(), resolve, reject });
    });
  }

  ask(node: RaftNode): void {
    if (this.asked !== undefined || this.gathering.length === 0) return;
    this.asked = { context: ++this.context, at: this.monotonic(), waiters: this.gathering };
    this.gathering = [];
    node.readIndex(this.context);
  }

  onReadStates(states: readonly ReadState[], appliedIndex: number): void {
    for (const { context, index } of states) {
      // An answer to an earlier question has been asked for again since.
      if (this.asked?.context !== context) continue;
      this.confirmed.push({ index, waiters: this.asked.waiters });
      this.asked = undefined;
    }
    this.onApplied(appliedIndex);
  }

  onApplied(appliedIndex: number): void {
    if (this.confirmed.length === 0) return;
    const ready = this.confirmed.filter(({ index }) => index <= appliedIndex);
    this.confirmed = this.confirmed.filter(({ index }) => index > appliedIndex);
    for (const { waiters } of ready) for (const waiter of waiters) waiter.resolve();
  }

  /** Who was asked may not answer any more. */
  askAgain(): void {
    if (this.asked === undefined) return;
    this.gathering = [...this.asked.waiters, ...this.gathering];
    this.asked = undefined;
  }

  /** Gives up those that were begun before `deadline`, and asks again what got no answer. */
  expire(deadline: number, errorFor: (startedAt: number) => StoreError): void {
    if (this.asked !== undefined && this.monotonic() - this.asked.at >= RETRY_MS) {
      this.metrics.slowReadIndexes.inc();
      this.askAgain();
    }
    const rest = ({ startedAt }: Waiter): boolean => startedAt > deadline;
    const reject = (waiters: readonly Waiter[]): void => {
      for (const waiter of waiters) if (!rest(waiter)) this.giveUp(waiter, errorFor(waiter.startedAt));
    };
    reject(this.gathering);
    this.gathering = this.gathering.filter(rest);
    for (const batch of this.confirmed) reject(batch.waiters);
    this.confirmed = this.confirmed.filter(({ waiters }) => waiters.some(rest));
  }

  rejectAll(error: StoreError): void {
    this.askAgain();
    const all = [...this.gathering, ...this.confirmed.flatMap(({ waiters }) => waiters)];
    this.gathering = [];
    this.confirmed = [];
    for (const waiter of all) this.giveUp(waiter, error);
  }

  private giveUp(waiter: Waiter, error: StoreError): void {
    this.metrics.readIndexesFailed.inc();
    waiter.reject(error);
  }
}
