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

  /** To be looked at, or told something; `kick` has to follow what may have consequences. */
  get raft(): RaftNode {
    return this.node;
  }

  /** Something has happened. */
  kick(): void {
    if (this.isStopped || this.hasFailed) return;
    this.running ??= this.run();
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
      while (!this.isStopped) {
        this.host.gather(this.node);
        const waiting = this.waiting.splice(0);
        const isIdle = !this.node.hasReady();
        if (!isIdle) await this.carryOut(this.node.ready());
        for (const resolve of waiting) resolve();
        if (isIdle && this.waiting.length === 0) break;
      }
    } catch (error) {
      this.hasFailed = true;
      this.host.onFailure(error);
    }
    this.running = undefined;
    if (this.isStopped || this.hasFailed) this.release();
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private async carryOut(ready: Ready): Promise<void> {
    const { softState, hardState, snapshot, entries, messages, committedEntries, readStates } = ready;
    if (softState !== undefined) this.host.onSoftState(softState);
    if (messages.length > 0) this.host.send(messages);
    if (ready.mustSync || entries.length > 0 || snapshot !== undefined) {
      const isSaved = await this.save({ snapshot, entries, hardState: hardState ?? this.log.initialState().hardState });
      if (!isSaved) {
        this.node = this.createNode();
        return;
      }
    }
    // A commit index alone is not worth a write: it goes with the next batch, and Raft finds it out again if there is none.
    if (hardState !== undefined) this.log.setHardState(hardState);
    if (snapshot !== undefined) this.log.reset(snapshot);
    this.log.append(entries);
    if (ready.messagesAfterPersist.length > 0) this.host.send(ready.messagesAfterPersist);
    if (snapshot !== undefined) await this.host.install(snapshot);
    if (committedEntries.length > 0) await this.host.apply(committedEntries);
    if (readStates.length > 0) this.host.onReadStates(readStates);
    this.node.advance();
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
