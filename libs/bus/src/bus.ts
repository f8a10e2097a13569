import { type DeepReadonly, type JsonValue } from '#machinery';

/**
 * What travels: plain JSON. In process the very same frozen object reaches every subscriber; over NATS it is encoded at
 * the edge. Senders must not change a payload after handing it over.
 */
export type Payload = DeepReadonly<JsonValue> | object;

export interface RequestOptions {
  /** Every request has a deadline. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Messages held for a handler that is not keeping up; past it messages are dropped and `onGap` is called once. */
  readonly queueLimit?: number;
  /** Messages may have been lost: overflow, reconnect. The subscriber must ask for a replay. */
  readonly onGap?: () => void;
}

export interface Message {
  readonly subject: string;
  readonly payload: Payload;
}

export interface BusSubscription {
  close(): void;
}

export type BusErrorCode = 'no-responders' | 'timeout' | 'disconnected' | 'closed' | 'too-large' | 'remote';

export class BusError extends Error {
  override readonly name = 'BusError';

  constructor(
    readonly code: BusErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Subjects are dot-separated tokens; subscriptions may use `*` (one token) and a trailing `>` (the rest), as in NATS.
 *
 * Publishing is at most once: a message may be lost, and over NATS also delayed or doubled, but messages of one publisher on
 * one subject are never reordered. Consumers that need more build it on revisions (see `EventMessage`).
 * Handlers may throw or reject: the error is logged (subscribe) or sent to the caller (serve); nothing escapes.
 */
export interface Bus {
  publish(subject: string, payload: Payload): void;
  /** Handlers of one subscription are called in order, one at a time. */
  subscribe(
    subject: string,
    handler: (message: Message) => void | Promise<void>,
    options?: SubscribeOptions,
  ): BusSubscription;
  /** Rejects with `BusError`; a rejection of the handler arrives as code `remote` with its message. */
  request(subject: string, payload: Payload, options: RequestOptions): Promise<Payload>;
  /**
   * Answers requests; servers with the same queue name share them. Requests run concurrently. After `close` those that were sent here
   * before are still handled; all of them have arrived when a `flush` that follows resolves.
   */
  serve(subject: string, queue: string, handler: (message: Message) => Promise<Payload>): BusSubscription;
  /** Resolves when everything published before has left this process. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
