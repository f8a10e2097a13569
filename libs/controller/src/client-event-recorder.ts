import { type ObjectReference, resources } from '#api';
import { type ObjectClient } from '#client';
import { type Clock, type DeepReadonly, type KubernetesObject, delay, hasReason, Turns } from '#machinery';
import { type Logger } from '#telemetry';
import { type CorrelatedEvent, EventCorrelator, type Occurrence } from './event-correlator';
import { type EventRecorder } from './event-recorder';

export interface EventRecorderOptions {
  readonly client: ObjectClient;
  readonly component: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Events that wait to be written; past it new ones are dropped. Default 1000. */
  readonly queueLimit?: number;
  /** Shared by recorders that are to write in turns. Default: this one waits for nobody. */
  readonly turns?: Turns;
}

const attempts = 5;

/** An `EventRecorder` that writes through the client, one event at a time, in order. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder & { stop(): Promise<void> } {
  const { clock, logger, component, turns = new Turns(1) } = options;
  const correlator = new EventCorrelator(component, clock);
  const queue: Occurrence[] = [];
  const controller = new AbortController();
  let writing: Promise<void> | undefined;
  let dropped = 0;

  const drain = async (): Promise<void> => {
    // One task later: what a pass says about an object does not delay the pass.
    await Promise.resolve();
    for (let next = queue.shift(); next !== undefined && !controller.signal.aborted; next = queue.shift()) {
      const correlated = correlator.correlate(next);
      if (correlated === undefined) continue;
      await turns.run(async () => {
        if (!controller.signal.aborted) await write(options, correlator, correlated, controller.signal);
      });
    }
    writing = undefined;
  };

  return {
    event(about, type, reason, message, fieldPath) {
      if (controller.signal.aborted) return;
      if (queue.length >= (options.queueLimit ?? 1000)) {
        if (dropped++ % 1000 === 0) logger.warn({ component, dropped }, 'too many events, dropping');
        return;
      }
      queue.push({ about: referenceTo(about, fieldPath), type, reason, message });
      writing ??= drain();
    },
    async stop() {
      controller.abort(new Error('stopped'));
      await writing;
    },
  };
}

async function write(
  { client, clock, random, logger }: EventRecorderOptions,
  correlator: EventCorrelator,
  { event, isRepeat, key }: CorrelatedEvent,
  signal: AbortSignal,
): Promise<void> {
  const { count, lastTimestamp, message } = event;
  let patch = isRepeat;
  for (let attempt = 1; ; attempt++) {
    try {
      const name = { namespace: event.metadata?.namespace ?? '', name: event.metadata?.name ?? '' };
      if (patch) await client.patch(resources.events, name, 'strategic', { count, lastTimestamp, message });
      else await client.create(resources.events, event);
      return;
    } catch (error) {
      // The stored event has expired: write it anew.
      if (patch && hasReason(error, 'NotFound')) {
        patch = false;
        continue;
      }
      const isFinal = hasReason(error, 'AlreadyExists', 'Invalid', 'Forbidden', 'NotFound', 'BadRequest');
      if (isFinal || attempt >= attempts || signal.aborted) {
        correlator.forget(key);
        logger.debug({ err: error, reason: event.reason }, 'event not written');
        return;
      }
      await delay(clock, 100 * 2 ** attempt * (0.5 + random() / 2), signal).catch(() => undefined);
    }
  }
}

function referenceTo(object: DeepReadonly<KubernetesObject>, fieldPath?: string): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata ?? {};
  const reference = { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion };
  return fieldPath === undefined ? reference : { ...reference, fieldPath };
}
