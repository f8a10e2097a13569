import { type Readable } from 'node:stream';
import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { type RuntimeEvent } from '../container-runtime';
import { type Engine } from './engine';
import { keys, type Owner } from './labels';

const types: Readonly<Record<string, RuntimeEvent['type']>> = {
  create: 'created',
  start: 'started',
  die: 'exited',
  oom: 'oom',
  destroy: 'removed',
};

const firstDelayMs = 100;
const maxDelayMs = 5000;

interface Message {
  readonly Action?: string;
  readonly timeNano?: number;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

export interface EventListener {
  event(event: RuntimeEvent): void;
  /** Events may have been missed. */
  resync(): void;
}

interface Options {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * The engine's events about our containers, for any number of listeners. Connects with the first of them and stays connected. After an interruption it resumes from the last event and tells everybody to look at everything.
 */
export class EventStream {
  private readonly listeners = new Set<EventListener>();
  private source: Readable | undefined;
  private timer: Timer | undefined;
  private since: string | undefined;
  private failures = 0;
  private isClosed = false;

  constructor(private readonly options: Options) {}

  /** @returns ends the subscription */
  subscribe(listener: EventListener): () => void {
    this.listeners.add(listener);
    if (this.since === undefined && !this.isClosed) {
      // What happens before the connection stands is replayed by the engine.
      this.since = (this.options.clock.now() / 1000).toFixed(9);
      void this.connect();
    }
    return () => void this.listeners.delete(listener);
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.source?.destroy();
    this.listeners.clear();
  }

  private async connect(): Promise<void> {
    const { engine, owner, logger } = this.options;
    try {
      const source = await engine.call((docker) =>
        docker.events({
          since: this.since ?? '',
          filters: {
            type: ['container'],
            event: Object.keys(types),
            label: [`${keys.cluster}=${owner.cluster}`, `${keys.node}=${owner.node}`],
          },
        }),
      );
      if (this.isClosed) return void source.destroy();
      this.source = source;
      if (this.failures > 0) {
        logger.info('the Docker daemon is back');
        for (const listener of this.listeners) listener.resync();
      }
      this.failures = 0;
      await this.read(source);
      throw new Error('the event stream ended');
    } catch (error) {
      if (this.isClosed) return;
      if (this.failures === 0) logger.warn({ err: error }, 'lost the Docker daemon; trying to reconnect');
      this.reconnect();
    }
  }

  private async read(source: Readable): Promise<void> {
    source.setEncoding('utf8');
    let rest = '';
    for await (const text of source as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.dispatch(JSON.parse(line) as Message);
    }
  }

  private dispatch({ Action = '', Actor, timeNano }: Message): void {
    const type = types[Action];
    const podUid = Actor?.Attributes?.[keys.podUid];
    // A number of nanoseconds is not exact here; an event may be seen twice, which is harmless.
    if (timeNano !== undefined) this.since = (timeNano / 1e9).toFixed(9);
    if (type === undefined || Actor?.ID === undefined || podUid === undefined) return;
    for (const listener of this.listeners) listener.event({ type, containerId: Actor.ID, podUid });
  }

  /** Full jitter, so that many agents do not return at once. */
  private reconnect(): void {
    const { clock, random } = this.options;
    const ceiling = Math.min(maxDelayMs, firstDelayMs * 2 ** this.failures++);
    this.timer = clock.setTimer(ceiling * (0.5 + random() / 2), () => void this.connect());
  }
}
