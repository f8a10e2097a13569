import { type EventMessage, type ObjectEvent } from '#bus';

/** What a stream asks of whoever feeds it. */
export type StreamNeed = 'list' | 'replay' | 'nothing';

export interface StreamStep {
  /** Changes to apply, in order; afterwards the reader is at `revision`. */
  readonly events: readonly ObjectEvent[];
}

const nothing: StreamStep = { events: [] };
const bufferLimit = 10_000;

/**
 * The rules of `EventMessage` without any I/O: takes intervals as they come, late, doubled, out of order or not at all, and gives
 * each change once and in order. While it waits for a list or a replay, it buffers.
 */
export class EventStream {
  /** The state that the reader has is the store's at this revision. */
  revision = 0;
  private pending: StreamNeed = 'list';
  private buffer: EventMessage[] = [];

  get need(): StreamNeed {
    return this.pending;
  }

  receive(message: EventMessage): StreamStep {
    if (this.pending === 'nothing' && message.prev <= this.revision) return this.advance(message);
    if (message.rev <= this.revision) return nothing;
    if (this.pending === 'nothing') this.pending = 'replay';
    // Once too much has come there is no use in keeping any: what comes later shows what is missing.
    if (this.buffer.length >= bufferLimit) this.buffer = [];
    this.buffer.push(message);
    return nothing;
  }

  /** Messages may have been lost without a later one that shows it. */
  gap(): void {
    if (this.pending === 'nothing') this.pending = 'replay';
  }

  /** The history since `revision` is gone. */
  expired(): void {
    this.pending = 'list';
  }

  /**
   * The reader has taken over a list of this revision. False, and nothing changes, if the list is older than what the reader
   * had: it has to be asked for again.
   */
  listed(revision: number): boolean {
    if (revision < this.revision) return false;
    this.revision = revision;
    this.pending = 'nothing';
    return true;
  }

  /** The answer to a replay from `revision`. */
  replayed(message: EventMessage): StreamStep {
    // A message that starts later than asked for would leave a hole.
    if (message.prev > this.revision) return nothing;
    this.pending = 'nothing';
    return this.advance(message);
  }

  /** After `listed` or `replayed`: what was buffered meanwhile, as far as it follows on. */
  drain(): StreamStep {
    const buffered = this.buffer;
    this.buffer = [];
    return { events: buffered.flatMap((message) => this.receive(message).events) };
  }

  private advance(message: EventMessage): StreamStep {
    if (message.rev <= this.revision) return nothing;
    const events = message.events.filter(({ revision }) => revision > this.revision);
    this.revision = message.rev;
    return { events };
  }
}
