import {
  type Entry,
  type Message,
  RaftNode,
  type RaftStatus,
  type ReadState,
  type SnapshotMetadata,
  type SoftState,
} from '#raft';
import { type Timer } from '#machinery';
import { type Command } from '../command';
import { storeErrors } from '../errors';
import { StoreError } from '../key-value-store';
import { type Responses } from '../state-machine';
import { MAX_REQUEST_BYTES } from '../validate';
import { applyEntry } from './apply-entry';
import { clusterErrors } from './cluster-errors';
import { LeaderWatch } from './leader-watch';
import { type MemberChange, stepOf } from './membership';
import { Proposals, termLedBy } from './proposals';
import { RaftDriver, type RaftDriverHost } from './raft-driver';
import { Reads } from './reads';
import {
  DEFAULT_CATCH_UP_BYTES,
  DEFAULT_ELECTION_TICKS,
  DEFAULT_TICK_MS,
  raftConfig,
  type ReplicatorHooks,
  type ReplicatorOptions,
} from './replicator-options';

/** Entries applied before others get their turn: a few milliseconds, with the answers. */
const APPLY_SLICE = 250;
/** etcd's `warnApplyDuration`. */
const SLOW_APPLY_MS = 100;
/** A batch that finds no room is tried again after so long, up to half as much again later. */
const NO_SPACE_RETRY_MS = 1_000;
/** etcd's: 5 s, and two elections. */
const REQUEST_TIMEOUT_MS = 5_000;
/** How long a member that was removed stays to be heard. */
const ELECTIONS_TO_LEAVE = 3;
/** How much more of the log is kept before a snapshot was taken. */
const BEFORE_SNAPSHOT = 4;

/**
 * One member's part in keeping the state: proposes commands, waits for them to come back through the log, applies what all have
 * agreed on, and finds out for readers how far they have to wait.
 */
export class Replicator implements RaftDriverHost {
  readonly requestTimeoutMs: number;
  readonly electionMs: number;
  private readonly driver: RaftDriver;
  private readonly proposals: Proposals;
  private readonly reads: Reads;
  private hooks!: ReplicatorHooks;
  private readonly leadership: LeaderWatch;
  /** The only voter, and has led: whatever is acknowledged is acknowledged here, after it was applied. */
  private isAlone = false;
  private refusal: StoreError | undefined;
  private noSpace: StoreError | undefined;
  private wakeNoSpace: (() => void) | undefined;
  private leaving: Timer | undefined;

  constructor(private readonly options: ReplicatorOptions) {
    const { clock, random, memberId, tickMs = DEFAULT_TICK_MS, electionTicks = DEFAULT_ELECTION_TICKS } = options;
    const monotonic = (): number => clock.monotonic();
    this.electionMs = tickMs * electionTicks;
    this.leadership = new LeaderWatch(clock, this.electionMs);
    this.requestTimeoutMs = REQUEST_TIMEOUT_MS + 2 * this.electionMs;
    // Random, so that no request of a life before has the same number, and no other member's question the same name.
    const sequence = Math.floor(random() * 2 ** 50);
    const context = BigInt(Math.floor(random() * 2 ** 50)) << 13n;
    const { metrics, maxRequestBytes = MAX_REQUEST_BYTES } = options;
    this.proposals = new Proposals(memberId, sequence, monotonic, maxRequestBytes, metrics);
    this.reads = new Reads(context, monotonic, metrics);
    metrics.onPending(() => this.proposals.count);
    this.driver = new RaftDriver(
      () => new RaftNode(raftConfig(options, electionTicks)),
      options.log,
      options.journal,
      this,
    );
  }

  get leader(): bigint {
    return this.leadership.leader;
  }

  get isLeader(): boolean {
    return this.leadership.isHere;
  }

  /** Why nothing is done any more. */
  get failure(): StoreError | undefined {
    return this.refusal;
  }

  /** What keeps this member from its work. */
  get errors(): readonly string[] {
    return [this.noSpace, this.refusal].flatMap((error) => (error === undefined ? [] : [error.message]));
  }

  status(): RaftStatus {
    return this.driver.raft.status();
  }

  /** Has to come before anything that the hooks could hear of. */
  attach(hooks: ReplicatorHooks): void {
    this.hooks = hooks;
  }

  /** The only voter leads at once, and has applied everything when this resolves. Others find their leader in time. */
  async start(): Promise<void> {
    if (!this.isSoleVoter()) return this.driver.kick();
    this.driver.raft.campaign();
    this.driver.kick();
    await this.driver.settled();
    if (this.refusal !== undefined) throw this.refusal;
    if (!this.isLeader) throw this.noSpace ?? clusterErrors.noLeader();
  }

  /** Rejects with what the state machine refuses, `no-space`, `unavailable` if the outcome is unknown, or `closed`. */
  propose<C extends Command>(command: C): Promise<Responses[C['type']]> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    const response = this.proposals.command(command) as Promise<Responses[C['type']]>;
    this.driver.kick();
    return response;
  }

  /**
   * What a leader has decided by itself, such as that a lease is over: nothing comes of it if another leads before it is written, for that one may have
   * decided otherwise. Rejects then, and as `propose`.
   */
  async proposeAsLeader<C extends Command>(command: C): Promise<Responses[C['type']]> {
    if (this.refusal !== undefined) throw this.refusal;
    const term = termLedBy(this.driver.raft);
    if (term === undefined) throw clusterErrors.notLeader();
    const response = this.proposals.command(command, term) as Promise<Responses[C['type']]>;
    this.driver.kick();
    return response;
  }

  /** Rejects with what makes the change senseless, or as `propose`. */
  async changeMember(change: MemberChange): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.options.machine.membership.check(change);
    const done = this.proposals.memberChange(change, stepOf(change));
    this.driver.kick();
    await done;
  }

  /** Undefined: what is applied here is all there is. Otherwise resolves when every write acknowledged before is. */
  linearize(): Promise<void> | undefined {
    if (this.isAlone) return undefined;
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    const confirmed = this.reads.wait();
    this.driver.kick();
    return confirmed;
  }

  transferLeadership(to: bigint): void {
    this.driver.tell((node) => node.transferLeadership(to));
  }

  step(message: Message): void {
    if (this.refusal !== undefined) return;
    this.driver.tell((node) => node.step(message));
  }

  /** Resolves when what follows from what has been stepped was done. */
  nextRound(): Promise<void> {
    return this.driver.nextRound();
  }

  reportUnreachable(id: bigint): void {
    this.driver.tell((node) => node.reportUnreachable(id));
  }

  reportSnapshot(id: bigint, status: 'finished' | 'failed'): void {
    this.driver.tell((node) => node.reportSnapshot(id, status));
  }

  /** Ends everything: what this member would do next cannot be relied on. */
  fail(error: StoreError): void {
    this.driver.fail(error);
  }

  /** To be called every `tickMs`. */
  tick(): void {
    if (this.refusal !== undefined) return;
    const deadline = this.options.clock.monotonic() - this.requestTimeoutMs;
    const errorFor = (startedAt: number): StoreError => this.leadership.timeoutOf(startedAt);
    this.proposals.expire(deadline, this.leadership.lostBefore(), errorFor);
    this.reads.expire(deadline, errorFor);
    this.driver.tell((node) => node.tick());
  }

  /** Resolves at the next change of leader, or after `ms`. */
  leaderChange(ms: number): Promise<void> {
    return this.leadership.change(ms);
  }

  /** Takes no more proposals, and waits for those it has if it depends on nobody else. */
  async stop(refusal: StoreError): Promise<void> {
    if (this.isAlone && this.refusal === undefined) {
      this.refusal = refusal;
      await this.driver.settled();
    }
    this.end(refusal);
    this.wakeNoSpace?.();
    await this.driver.stop();
  }

  gather(node: RaftNode): void {
    if (this.proposals.isWaiting && this.leadership.isFollower && this.isSoleVoter()) node.campaign();
    this.proposals.hand(node);
    if (this.leader !== 0n) this.reads.ask(node);
  }

  send(messages: readonly Message[]): void {
    this.options.send?.(messages);
  }

  onSoftState(soft: SoftState): void {
    const wasLeader = this.isLeader;
    const isNew = this.leadership.update(soft);
    this.updateIsAlone();
    if (isNew) {
      if (soft.leader !== 0n) this.options.metrics.leaderChanges.inc();
      this.reads.askAgain();
      this.leadership.wake();
      if (this.options.send !== undefined) this.options.logger?.info({ leader: String(soft.leader) }, 'leader changed');
    }
    if (this.isLeader !== wasLeader) this.hooks.onLeadership(this.isLeader);
  }

  async install(snapshot: SnapshotMetadata): Promise<void> {
    if (this.options.install === undefined) throw new Error('a snapshot that nobody has received');
    this.hooks.onInstalling();
    await this.options.install(snapshot);
    this.updateIsAlone();
    this.hooks.onInstalled();
    this.hooks.onMembers();
    this.reads.onApplied(this.options.machine.appliedIndex);
  }

  async apply(entries: readonly Entry[]): Promise<void> {
    const { clock, metrics } = this.options;
    const startedAt = clock.monotonic();
    let bytes = 0;
    for (const [position, entry] of entries.entries()) {
      if (position > 0 && position % APPLY_SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      this.applyOne(entry);
      bytes += entry.data.length;
    }
    this.reads.onApplied(this.options.machine.appliedIndex);
    this.trim(BEFORE_SNAPSHOT);
    this.hooks.onBatch(bytes);
    const took = clock.monotonic() - startedAt;
    metrics.apply.observe(took / 1000);
    if (took > SLOW_APPLY_MS) metrics.slowApplies.inc();
  }

  /** Cuts back what is kept for followers. Whoever has none needs nothing. */
  trim(factor = 1): void {
    const { machine, log, catchUpBytes = DEFAULT_CATCH_UP_BYTES } = this.options;
    log.trim(machine.appliedIndex, this.hasPeers() ? factor * catchUpBytes : 0);
  }

  onReadStates(states: readonly ReadState[]): void {
    this.reads.onReadStates(states, this.options.machine.appliedIndex);
  }

  async onNoSpace(error: StoreError): Promise<boolean> {
    this.options.logger?.error({ err: error }, 'no room for the log');
    if (this.isSoleVoter()) {
      // Raft starts over from what is durable; it will lead again with the next write that finds room.
      this.noSpace = error;
      this.leadership.forget();
      this.hooks.onLeadership(false);
      this.proposals.rejectAll(error);
      return true;
    }
    this.noSpace = error;
    // Others may have the entries already. Silent, this member acknowledges nothing, and another takes over if it led.
    await new Promise<void>((resolve) => {
      const wait = NO_SPACE_RETRY_MS * (1 + this.options.random() / 2);
      const timer = this.options.clock.setTimer(wait, resolve);
      this.wakeNoSpace = () => {
        timer.cancel();
        resolve();
      };
    });
    this.wakeNoSpace = undefined;
    if (this.refusal !== undefined) throw this.refusal;
    return false;
  }

  onFailure(error: unknown): void {
    if (this.refusal !== undefined) return;
    const isClosed = error instanceof StoreError && error.code === 'closed';
    const failure = isClosed ? error : storeErrors.failed(error instanceof Error ? error.message : String(error));
    this.end(failure);
    this.hooks.onFailure(failure);
  }

  private applyOne(entry: Entry): void {
    const applied = applyEntry(this.options.machine, entry, (request) => this.proposals.known(request));
    this.noSpace = undefined;
    if (applied.type === 'nothing') return;
    if (applied.type === 'command') {
      this.hooks.onApplied(applied.command, applied.outcome);
      return this.proposals.settle(applied.request, applied.outcome);
    }
    const { change, confChange, error, request } = applied;
    if (error === undefined) {
      if (confChange !== undefined) this.driver.raft.applyConfChange(confChange);
      this.updateIsAlone();
      this.options.logger?.info({ change: change.type }, 'members changed');
      this.hooks.onMembers();
    }
    this.proposals.settle(request, { response: undefined, error });
    if (this.options.machine.membership.removed.has(this.options.memberId)) this.leave();
  }

  /** Not at once, as etcd's `stopWithDelay`: only from this member the others may hear that they do not need its vote any more. */
  private leave(): void {
    this.leaving ??= this.options.clock.setTimer(ELECTIONS_TO_LEAVE * this.electionMs, () =>
      this.driver.fail(clusterErrors.removed()),
    );
  }

  private end(refusal: StoreError): void {
    this.refusal = refusal;
    this.leaving?.cancel();
    this.proposals.rejectAll(refusal);
    this.reads.rejectAll(refusal);
    this.leadership.wake();
  }

  private isSoleVoter(): boolean {
    const { voters } = this.options.machine.membership.confState;
    return voters.length === 1 && voters[0] === this.options.memberId;
  }

  private hasPeers(): boolean {
    return this.options.machine.membership.members.size > 1;
  }

  private updateIsAlone(): void {
    const isSole = this.isSoleVoter();
    const isLed = this.leader !== 0n && this.leader !== this.options.memberId;
    this.isAlone = isSole && !isLed && (this.isAlone || this.isLeader);
  }
}
