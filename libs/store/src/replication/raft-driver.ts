import {
  type Entry,
  type Message,
  type RaftNode,
  type ReadState,
  type Ready,
  type SnapshotMetadata,
  type SoftState,
} from '#raft';
import { StoreError } from '../key-value-store';
import { type Journal, type JournalBatch } from './journal';
import { type LogWindow } from './log-window';

/** What the driver does its rounds for. */
export interface RaftDriverHost {
  /** Called before each round: hands over the proposals and questions that have gathered. */
  gather(node: RaftNode): void;
  send(messages: readonly Message[]): void;
  onSoftState(state: SoftState): void;
  /** The snapshot has been received before; it becomes the state machine's content. */
  install(snapshot: SnapshotMetadata): Promise<void>;
  /** In order; each once. */
  apply(entries: readonly Entry[]): Promise<void>;
  onReadStates(states: readonly ReadState[]): void;
  /**
   * There is no room for a batch.
   * @returns true: nobody else has heard of it, so it was taken back; false: it has to be tried again
   */
  onNoSpace(error: StoreError): Promise<boolean>;
  /** Nothing will be done any more. */
  onFailure(error: unknown): void;
}

/**
 * Carries out what Raft says, in rounds: one write and one `fdatasync` each at most, while the next round gathers. What promises
 * something leaves only when it is durable.
 */
export class RaftDriver {
  private running: Promise<void> | undefined;
  private waiting: (() => void)[] = [];
  private isStopped = false;
  private hasFailed = false;
  private node: RaftNode;

  /** @param createNode from what is durable and applied at the time */
  constructor(
    private readonly createNode: () => RaftNode,
    private readonly log: LogWindow,
    private readonly journal: Journal,
    private readonly host: RaftDriverHost,
  ) {
    this.node = createNode();
  }

  /** To be looked at. */
  get raft(): RaftNode {
    return this.node;
  }

  /** Has consequences in a round to come. What Raft throws, which is a bug, is the end: nobody knows what it was about to do. */
  tell(what: (node: RaftNode) => void): void {
    if (this.hasFailed) return;
    try {
      what(this.node);
    } catch (error) {
      return this.fail(error);
    }
    this.kick();
  }

  /** There is something to do. */
  kick(): void {
    if (this.isStopped || this.hasFailed) return;
    this.running ??= this.run();
  }

  /** Nothing is done any more, but for what is under way. */
  fail(error: unknown): void {
    this.hasFailed = true;
    this.release();
    this.host.onFailure(error);
  }

  /** Ends with the round that is under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  /** Resolves when Raft has said, and this member has done, what follows from what it was told until now. */
  nextRound(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      if (this.isStopped || this.hasFailed) this.release();
      else this.kick();
    });
  }

  /** Resolves when there is nothing to do. */
  async settled(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async run(): Promise<void> {
    // Whatever happens in the same turn belongs to the first round.
    await Promise.resolve();
    try {
      while (!this.isStopped && !this.hasFailed) {
        this.host.gather(this.node);
        const waiting = this.waiting.splice(0);
        const isIdle = !this.node.hasReady();
        if (!isIdle) await this.carryOut(this.node.ready());
        for (const resolve of waiting) resolve();
        if (isIdle && this.waiting.length === 0) break;
      }
    } catch (error) {
      this.fail(error);
    }
    this.running = undefined;
    if (this.isStopped) this.release();
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private async carryOut(ready: Ready): Promise<void> {
    const { softState, hardState, messages, committedEntries, readStates } = ready;
    if (softState !== undefined) this.host.onSoftState(softState);
    const urgent = messages.filter((message) => !isNewsOnly(message));
    if (urgent.length > 0) this.host.send(urgent);
    const durable = durableBefore(ready);
    if (ready.mustSync || ready.entries.length > 0 || ready.snapshot !== undefined) {
      // What was durable before is applied, and answered, while the disk is busy with what came since.
      const [isSaved] = await Promise.all([this.persist(ready), this.apply(durable)]);
      if (!isSaved) {
        this.node = this.createNode();
        return;
      }
    } else {
      // A commit index alone is not worth a write: it goes with the next batch, and Raft finds it out again if there is none.
      if (hardState !== undefined) this.log.setHardState(hardState);
      if (ready.messagesAfterPersist.length > 0) this.host.send(ready.messagesAfterPersist);
      await this.apply(durable);
    }
    if (ready.snapshot !== undefined) await this.host.install(ready.snapshot);
    await this.apply(committedEntries.slice(durable.length));
    if (readStates.length > 0) this.host.onReadStates(readStates);
    if (urgent.length < messages.length) {
      // Answers to those who wait leave first.
      if (committedEntries.length > 0) await new Promise((resolve) => setImmediate(resolve));
      this.host.send(messages.filter(isNewsOnly));
    }
    this.node.advance();
  }

  private async apply(entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) await this.host.apply(entries);
  }

  /** @returns false: it was taken back */
  private async persist({ snapshot, entries, hardState, messagesAfterPersist }: Ready): Promise<boolean> {
    const batch = { snapshot, entries, hardState: hardState ?? this.log.initialState().hardState };
    if (!(await this.save(batch))) return false;
    if (hardState !== undefined) this.log.setHardState(hardState);
    if (snapshot !== undefined) this.log.reset(snapshot);
    this.log.append(entries);
    if (messagesAfterPersist.length > 0) this.host.send(messagesAfterPersist);
    return true;
  }

  private async save(batch: JournalBatch): Promise<boolean> {
    for (;;) {
      try {
        await this.journal.save(batch);
        return true;
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'no-space') throw error;
        if (await this.host.onNoSpace(error)) return false;
      }
    }
  }
}

/** An append that says no more than how far the log is committed. */
function isNewsOnly(message: Message): boolean {
  return message.type === 'append' && message.entries.length === 0;
}

/** Those committed entries that do not depend on what `ready` is to make durable: not what it brings, nor on knowing who votes. */
function durableBefore({ entries, snapshot, committedEntries }: Ready): readonly Entry[] {
  if (snapshot !== undefined || committedEntries.some(({ type }) => type === 'conf-change')) return [];
  const first = entries[0]?.index ?? Infinity;
  const count = committedEntries.findIndex(({ index }) => index >= first);
  return count < 0 ? committedEntries : committedEntries.slice(0, count);
}
