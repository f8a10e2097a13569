import { decodeCommand, encodeCommand } from './command-codec';
import { type Command } from './command';
import { type CommitLog } from './commit-log';
import { storeErrors } from './errors';
import { StoreError } from './key-value-store';
import { type Outcome, type Response, type Responses, type StateMachine } from './state-machine';
import { MAX_REQUEST_BYTES } from './validate';

/** A batch is bounded so that applying it stays below 10 ms. */
const MAX_BATCH_ENTRIES = 1_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** More than this waiting for the disk, and the store says it is overloaded. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** What an encoded request may add to its keys and values. */
const OVERHEAD_BYTES = 64 * 1024;

interface Proposal {
  /** As decoded from `data`, so that members that read it from the log apply the very same. */
  readonly command: Command;
  readonly data: Buffer;
  resolve(response: Response): void;
  reject(error: Error): void;
}

export interface CommitterHooks {
  /** Called after a command was applied and before its proposer hears of it. */
  onApplied(command: Command, outcome: Outcome): void;
  /** Called after each batch. */
  onBatch(bytes: number): void;
  /** The log is unusable; nothing will be applied any more. */
  onFailure(error: StoreError): void;
}

/**
 * Group commit: while one batch is being made durable, the next gathers. Entries are applied, and thereby become
 * readable and watchable, only after the log says they are durable, in the order they were proposed.
 */
export class Committer {
  private queue: Proposal[] = [];
  private queuedBytes = 0;
  private running: Promise<void> | undefined;
  private refusal: StoreError | undefined;

  constructor(
    private readonly log: CommitLog,
    private readonly machine: StateMachine,
    private readonly hooks: CommitterHooks,
    private readonly maxRequestBytes = MAX_REQUEST_BYTES,
  ) {}

  /** Rejects with what the state machine refuses, `no-space`, or `closed`; the latter also if the outcome is unknown. */
  propose<C extends Command>(command: C): Promise<Responses[C['type']]> {
    return new Promise<Response>((resolve, reject) => {
      if (this.refusal !== undefined) return reject(this.refusal);
      const data = encodeCommand(command);
      if (data.length > this.maxRequestBytes + OVERHEAD_BYTES) return reject(storeErrors.requestTooLarge());
      if (this.queuedBytes + data.length > MAX_QUEUED_BYTES) return reject(storeErrors.tooManyRequests());
      this.queue.push({ command: decodeCommand(data), data, resolve, reject });
      this.queuedBytes += data.length;
      this.running ??= this.run();
    }) as Promise<Responses[C['type']]>;
  }

  /** Takes no more proposals and waits for those it has. */
  async drain(refusal: StoreError): Promise<void> {
    this.refusal ??= refusal;
    await this.running;
  }

  private async run(): Promise<void> {
    // Whatever is proposed in the same turn belongs to the first batch.
    await Promise.resolve();
    try {
      while (this.queue.length > 0) await this.commit(this.nextBatch());
    } catch (error) {
      this.fail(error);
    }
    this.running = undefined;
  }

  private nextBatch(): Proposal[] {
    let bytes = 0;
    let count = 0;
    while (count < this.queue.length && count < MAX_BATCH_ENTRIES && bytes < MAX_BATCH_BYTES) {
      bytes += this.queue[count++]!.data.length;
    }
    const batch = this.queue.slice(0, count);
    this.queue = this.queue.slice(count);
    this.queuedBytes -= bytes;
    return batch;
  }

  private async commit(batch: readonly Proposal[]): Promise<void> {
    let done = 0;
    try {
      const { firstIndex, term } = await this.log.append(batch.map(({ data }) => data));
      let bytes = 0;
      for (const proposal of batch) {
        const outcome = this.machine.apply(firstIndex + done, term, proposal.command);
        this.hooks.onApplied(proposal.command, outcome);
        done++;
        bytes += proposal.data.length;
        if (outcome.error === undefined) proposal.resolve(outcome.response);
        else proposal.reject(outcome.error);
      }
      this.hooks.onBatch(bytes);
    } catch (error) {
      const isNoSpace = error instanceof StoreError && error.code === 'no-space';
      const reason = isNoSpace ? error : asFailure(error);
      for (const proposal of batch.slice(done)) proposal.reject(reason);
      if (!isNoSpace) throw error;
    }
  }

  private fail(error: unknown): void {
    const failure = asFailure(error);
    this.refusal = failure;
    for (const proposal of this.queue) proposal.reject(failure);
    this.queue = [];
    this.queuedBytes = 0;
    this.hooks.onFailure(failure);
  }
}

function asFailure(error: unknown): StoreError {
  if (error instanceof StoreError && error.code === 'closed') return error;
  return storeErrors.failed(error instanceof Error ? error.message : String(error));
}
