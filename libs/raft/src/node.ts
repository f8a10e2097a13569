import { campaign } from './candidate';
import { type ConfChange, encodeConfChange } from './conf-change';
import { checkConfig, type RaftConfig } from './config';
import { changed, configurationOf, confStateOf, isMember } from './configuration';
import { Core } from './core';
import { type ConfState } from './entry';
import { ProposalDroppedError } from './errors';
import { acknowledgeOwn, flush, followConfiguration, handleApplied, isFlushDue, propose } from './leader';
import { type Message, type ProposedEntry } from './message';
import { Outlet } from './outlet';
import { type Ready } from './ready';
import { type ProgressStatus, type RaftStatus } from './status';
import { step, tick } from './step';

/** One member. Not reentrant, and in the hands of one driver; see the lib's `index.ts` for its loop. */
export class RaftNode {
  private readonly core: Core;
  private readonly outlet: Outlet;

  /** @throws RangeError if the configuration makes no sense, Error if what is stored does not fit together */
  constructor(config: RaftConfig) {
    checkConfig(config);
    this.core = new Core(config);
    this.outlet = new Outlet(this.core);
  }

  tick(): void {
    tick(this.core);
  }

  /** From a peer. Garbage (a stranger's, an impossible index) is dropped, never thrown on. */
  step(message: Message): void {
    step(this.core, message);
  }

  /**
   * On a follower it is forwarded to the leader, and may be lost on the way without a word: whoever waits for it to be applied has a
   * deadline. @throws ProposalDroppedError
   */
  propose(data: Buffer): void {
    this.proposeEntry({ type: 'normal', data });
  }

  /**
   * Like `propose`. If another change is under way, or this one is not possible, an empty entry takes its place in the log.
   * @throws ProposalDroppedError
   */
  proposeConfChange(change: ConfChange): void {
    this.proposeEntry({ type: 'conf-change', data: encodeConfChange(change) });
  }

  /**
   * To be called when a committed conf-change entry is applied, before `advance()`. Returns the configuration now in force: the same as
   * before for a change that cannot be made.
   */
  applyConfChange(change: ConfChange): ConfState {
    const { core } = this;
    core.configuration = changed(core.configuration, change) ?? core.configuration;
    if (core.leadership !== undefined) followConfiguration(core, core.leadership);
    return confStateOf(core.configuration);
  }

  /**
   * Linearizable read (ReadIndex, dissertation 6.4); a follower asks its leader. Answered in `Ready.readStates`, perhaps more than once, or
   * never (no leader, a lost message, too many that wait): then ask again. `context` must be unlike any that this member has ever used, also
   * before a restart: an answer that is late could otherwise be taken for a new one's.
   */
  readIndex(context: bigint): void {
    const { id } = this.core;
    step(this.core, { type: 'read-index', from: id, to: id, term: 0, context });
  }

  /**
   * Asks the leader to let `to`, a voter, lead. Given up after an election timeout; to be seen in `Ready.softState`. Another one takes the
   * place of the one under way; to the leader itself calls it off, unless the transferee stands already.
   */
  transferLeadership(to: bigint): void {
    const { id, term } = this.core;
    step(this.core, { type: 'transfer-leader', from: id, to: id, term, transferee: to });
  }

  /** Stands for election now, beginning with a pre-vote. Nothing happens if this member may not, or has not applied a committed change. */
  campaign(): void {
    campaign(this.core, 'pre-election');
  }

  /** A message to `id` could not be sent: what is in flight may be lost. */
  reportUnreachable(id: bigint): void {
    const progress = this.core.leadership?.progress.get(id);
    if (progress?.state === 'replicate') progress.becomeProbe();
  }

  /** Every `snapshot` message must be reported on in the end: nothing else is sent to the follower before. */
  reportSnapshot(id: bigint, status: 'finished' | 'failed'): void {
    const progress = this.core.leadership?.progress.get(id);
    if (progress?.state !== 'snapshot') return;
    if (status === 'failed') progress.pendingSnapshot = 0;
    progress.becomeProbe();
    // Until the follower is heard: it acknowledges the snapshot, or a heartbeat.
    progress.isPaused = true;
  }

  hasReady(): boolean {
    const { leadership } = this.core;
    if (this.outlet.isOpen) return false;
    return (leadership !== undefined && isFlushDue(leadership)) || this.outlet.hasReady();
  }

  /** What is to be done now. The next one is there after `advance()`. @throws Error if the last one was not advanced */
  ready(): Ready {
    const { core } = this;
    if (core.leadership !== undefined) flush(core, core.leadership);
    return this.outlet.ready();
  }

  /** All that the last `Ready` asks for is done. @throws Error if there is none, or the storage does not show what it should */
  advance(): void {
    const { core } = this;
    const { ready, own } = this.outlet.advance();
    if (ready.snapshot !== undefined) core.configuration = configurationOf(ready.snapshot.confState);
    for (const message of own) step(core, message);
    if (core.leadership === undefined) return;
    acknowledgeOwn(core, core.leadership);
    handleApplied(core, core.leadership, ready.committedEntries);
  }

  status(): RaftStatus {
    const { id, term, vote, log, leader, role, configuration, leadership } = this.core;
    const followers = new Map<bigint, ProgressStatus>();
    for (const [member, progress] of leadership?.progress ?? []) {
      const { match, next, state, pendingSnapshot } = progress;
      const isActive = progress.isActive || progress.wasActive;
      const isLearner = configuration.learners.has(member);
      followers.set(member, { match, next, state, isActive, isLearner, pendingSnapshot });
    }
    return {
      id,
      term,
      vote,
      commit: log.commit,
      applied: log.applied,
      lastIndex: log.lastIndex(),
      leader,
      role,
      confState: confStateOf(configuration),
      transferee: leadership?.transferee ?? 0n,
      progress: followers,
    };
  }

  private proposeEntry(entry: ProposedEntry): void {
    const { core } = this;
    if (!isMember(core.configuration, core.id)) throw new ProposalDroppedError('not-a-member');
    if (core.leadership !== undefined) {
      const reason = propose(core, core.leadership, [entry]);
      if (reason !== undefined) throw new ProposalDroppedError(reason);
    } else {
      if (core.leader === 0n) throw new ProposalDroppedError('no-leader');
      core.send({ type: 'propose', to: core.leader, term: 0, entries: [entry] });
    }
  }
}
