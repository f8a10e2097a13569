import { type CoreEvent, type ObjectReference } from '#api';
import { type Clock, formatTime } from '#machinery';

/** One thing to say about an object. */
export interface Occurrence {
  readonly about: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What to write: a new event, or one more occurrence of a written one. */
export interface CorrelatedEvent {
  readonly event: CoreEvent;
  readonly isRepeat: boolean;
  /** To be told the stored event's name once it is written. */
  readonly key: string;
}

interface Bucket {
  tokens: number;
  at: number;
}
interface Aggregate {
  readonly messages: Set<string>;
  at: number;
}

// The defaults of client-go's EventCorrelator.
const burst = 25;
const refillPerMs = 1 / 300_000;
const similarEvents = 10;
const intervalMs = 600_000;
const cacheSize = 4096;

/**
 * client-go's EventCorrelator: drops events of an object that talks too much (25, then one in five minutes), folds more than ten
 * similar ones within ten minutes (same but for their message) into one, and turns the same event again into a higher count.
 */
export class EventCorrelator {
  private readonly buckets = new Map<string, Bucket>();
  private readonly aggregates = new Map<string, Aggregate>();
  private readonly written = new Map<string, CoreEvent>();
  private sequence = 0;

  constructor(
    private readonly component: string,
    private readonly clock: Clock,
  ) {}

  /** Undefined: say nothing. */
  correlate(occurrence: Occurrence): CorrelatedEvent | undefined {
    const now = this.clock.monotonic();
    const { about, type, reason } = occurrence;
    const subject = [about.kind, about.namespace, about.name, about.uid, about.apiVersion, about.fieldPath].join('|');
    if (!this.admit(subject, now)) return undefined;

    const similar = [subject, type, reason].join('|');
    const isFolded = this.fold(similar, occurrence.message, now);
    const message = isFolded ? `(combined from similar events): ${occurrence.message}` : occurrence.message;
    const key = isFolded ? similar : [similar, message].join('|');

    const time = formatTime(this.clock.now());
    const previous = this.written.get(key);
    const event: CoreEvent =
      previous === undefined
        ? this.create(occurrence, message, time)
        : { ...previous, count: (previous.count ?? 1) + 1, lastTimestamp: time, message };
    remember(this.written, key, event);
    return { event, isRepeat: previous !== undefined, key };
  }

  /** The event of this key could not be written, or is gone: the next occurrence is a new event. */
  forget(key: string): void {
    this.written.delete(key);
  }

  private create({ about, type, reason }: Occurrence, message: string, time: string): CoreEvent {
    const nanoseconds = BigInt(Math.floor(this.clock.now())) * 1_000_000n + BigInt(this.sequence++ % 1_000_000);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${about.name}.${nanoseconds.toString(16)}`,
        namespace: about.namespace === undefined || about.namespace === '' ? 'default' : about.namespace,
      },
      involvedObject: about,
      reason,
      message,
      source: { component: this.component },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type,
      reportingComponent: this.component,
      reportingInstance: '',
    };
  }

  private admit(subject: string, now: number): boolean {
    const bucket = this.buckets.get(subject) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) * refillPerMs);
    bucket.at = now;
    remember(this.buckets, subject, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  private fold(similar: string, message: string, now: number): boolean {
    let aggregate = this.aggregates.get(similar);
    if (aggregate === undefined || now - aggregate.at > intervalMs) aggregate = { messages: new Set(), at: now };
    aggregate.at = now;
    if (aggregate.messages.size < similarEvents || aggregate.messages.has(message)) {
      aggregate.messages.add(message);
      remember(this.aggregates, similar, aggregate);
      return false;
    }
    remember(this.aggregates, similar, aggregate);
    return true;
  }
}

/** Keeps the map at `cacheSize` entries, the ones least recently used going first. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > cacheSize) {
    const oldest = map.keys().next();
    if (oldest.done !== true) map.delete(oldest.value);
  }
}
