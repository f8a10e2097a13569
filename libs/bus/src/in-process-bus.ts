import { type Clock, deepFreeze } from '#machinery';
import { type Logger, silentLogger } from '#telemetry';
import { type Bus, BusError, type Message, type Payload, type RequestOptions } from './bus';
import { withFaults } from './faults';
import { SubjectTable } from './subjects';
import { SubscriptionQueue } from './subscription-queue';

export interface InProcessBusOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger?: Logger;
  /**
   * `direct`: every subscriber gets the very same frozen payload. `paranoid`: behaves as badly as a network may, to find
   * what relies on the process being one: JSON round trip, delays, and now and then a lost or doubled message.
   */
  readonly mode?: 'direct' | 'paranoid';
}

interface Server {
  readonly queue: string;
  readonly handler: (message: Message) => Promise<Payload>;
}

/** A bus within this process. */
export function createInProcessBus(options: InProcessBusOptions): Bus {
  const bus = new InProcessBus(options);
  if (options.mode !== 'paranoid') return bus;
  const { clock, random } = options;
  return withFaults(bus, { clock, random, lossRate: 0.02, duplicateRate: 0.05, maxDelayMs: 5, requestLossRate: 0 });
}

class InProcessBus implements Bus {
  private readonly subscriptions = new SubjectTable<SubscriptionQueue>();
  private readonly servers = new SubjectTable<Server>();
  private readonly pending = new Set<(error: BusError) => void>();
  private readonly logger: Logger;
  private readonly travel: (payload: Payload) => Payload;
  private isClosed = false;

  constructor(private readonly options: InProcessBusOptions) {
    this.logger = options.logger ?? silentLogger();
    this.travel =
      options.mode === 'paranoid' ? (payload) => JSON.parse(JSON.stringify(payload)) as Payload : (payload) => payload;
  }

  publish(subject: string, payload: Payload): void {
    const queues = this.subscriptions.find(subject);
    if (queues.length === 0) return;
    const message: Message = { subject, payload: deepFreeze(this.travel(payload)) };
    for (const queue of queues) queue.push(message);
  }

  subscribe: Bus['subscribe'] = (subject, handler, options = {}) => {
    const queue = new SubscriptionQueue(handler, options, this.logger);
    const remove = this.isClosed ? () => undefined : this.subscriptions.add(subject, queue);
    return {
      close() {
        remove();
        queue.close();
      },
    };
  };

  request(subject: string, payload: Payload, { deadlineMs, signal }: RequestOptions): Promise<Payload> {
    if (this.isClosed) return Promise.reject(new BusError('closed', 'the bus is closed'));
    const servers = this.choose(subject);
    if (servers.length === 0) return Promise.reject(new BusError('no-responders', `nobody serves ${subject}`));
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        this.pending.delete(fail);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: BusError): void => {
        settle();
        reject(error);
      };
      const onAbort = (): void => fail(new BusError('closed', `request to ${subject} aborted`));
      const timer = this.options.clock.setTimer(deadlineMs, () => {
        fail(new BusError('timeout', `no answer from ${subject} within ${deadlineMs} ms`));
      });
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.pending.add(fail);

      const message: Message = { subject, payload: deepFreeze(this.travel(payload)) };
      for (const { handler } of servers) {
        answer(handler, message).then(
          (reply) => {
            settle();
            resolve(deepFreeze(this.travel(reply)));
          },
          (error: unknown) => fail(new BusError('remote', error instanceof Error ? error.message : String(error))),
        );
      }
    });
  }

  serve: Bus['serve'] = (subject, queue, handler) => {
    const remove = this.isClosed ? () => undefined : this.servers.add(subject, { queue, handler });
    return { close: remove };
  };

  flush(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const queue of this.subscriptions.all()) queue.close();
    for (const fail of [...this.pending]) fail(new BusError('closed', 'the bus was closed'));
  }

  /** One server of each queue; the first answer counts. */
  private choose(subject: string): Server[] {
    const servers = this.isClosed ? [] : this.servers.find(subject);
    if (servers.length <= 1) return servers;
    const byQueue = new Map<string, Server[]>();
    for (const server of servers) byQueue.set(server.queue, [...(byQueue.get(server.queue) ?? []), server]);
    return [...byQueue.values()].map((members) => members[Math.floor(this.options.random() * members.length)]!);
  }
}

/** Never throws at the caller, and never runs the handler before the caller has its promise. */
async function answer(handler: Server['handler'], message: Message): Promise<Payload> {
  await Promise.resolve();
  return handler(message);
}
