import { etcdserverpb } from '#etcd';
import {
  type KeyValueStore,
  StoreError,
  type StoreEvent,
  type Watch,
  type WatchBatch,
  type WatchRequest,
} from '#store';
import { type Gauge } from '#telemetry';
import { type Member } from '../member';
import { toEvent } from '../responses';
import { type Outbox } from './outbox';
import { sizeOf, splitEvents } from './split-events';

/** Above this a response is split, and what has gathered is sent at once. */
const PART_BYTES = 1024 * 1024;

export interface WatchOptions {
  readonly id: bigint;
  readonly request: WatchRequest;
  readonly mayFragment: boolean;
  readonly wantsProgress: boolean;
}

/**
 * One watch of a stream. What happens in one turn of the event loop is sent as one response. While the client does not keep
 * up the watch is *paused*: it remembers the revision to go on from and leaves the rest to the store's history.
 */
export class ServedWatch {
  private watch: Watch | undefined;
  private gathered: StoreEvent[] = [];
  private gatheredBytes = 0;
  private gatheredRevision = 0;
  private resumeAt: number | undefined;
  private isOver = false;
  /** Whether the client heard of this watch since the last look. */
  heardOf = true;

  constructor(
    readonly options: WatchOptions,
    private readonly store: KeyValueStore,
    private readonly member: Member,
    private readonly outbox: Outbox,
    private readonly slowWatchers: Gauge,
    /** The store has ended the watch; `compacted` has been told to the client. */
    private readonly onEnd: (error: Error) => void,
  ) {
    this.begin(options.request);
  }

  /** The client does not keep up. */
  get isPaused(): boolean {
    return this.resumeAt !== undefined;
  }

  /** Everything up to this revision has been sent. */
  get revision(): number {
    if (this.resumeAt !== undefined) return this.resumeAt - 1;
    this.flush();
    return this.resumeAt ?? this.watch?.revision ?? 0;
  }

  resume(): void {
    if (this.resumeAt === undefined || this.isOver) return;
    const startRevision = this.resumeAt;
    this.unpause();
    this.begin({ ...this.options.request, startRevision });
  }

  sendProgress(): void {
    const { revision } = this;
    this.send(etcdserverpb.WatchResponse.create({ header: this.member.header(revision), watchId: this.options.id }));
  }

  cancel(): void {
    this.isOver = true;
    this.unpause();
    this.watch?.cancel();
  }

  private begin(request: WatchRequest): void {
    this.watch = this.store.watch(request, {
      onBatch: (batch) => this.receive(batch),
      onEnd: (error) => this.end(error),
    });
  }

  private receive(batch: WatchBatch): void {
    if (this.outbox.isFull) {
      this.resumeAt = batch.revision;
      this.slowWatchers.inc();
      this.watch?.cancel();
      return;
    }
    if (this.gathered.length === 0) queueMicrotask(() => this.flush());
    this.gatheredRevision = batch.revision;
    for (const event of batch.events) {
      this.gathered.push(event);
      this.gatheredBytes += sizeOf(event);
    }
    if (this.gatheredBytes > PART_BYTES) this.flush();
  }

  private unpause(): void {
    if (this.resumeAt === undefined) return;
    this.resumeAt = undefined;
    this.slowWatchers.dec();
  }

  private flush(): void {
    const events = this.gathered;
    if (events.length === 0 || this.isOver) return;
    this.gathered = [];
    this.gatheredBytes = 0;
    const header = this.member.header(this.gatheredRevision);
    for (const part of splitEvents(events, PART_BYTES, this.options.mayFragment)) {
      this.send({
        header,
        watchId: this.options.id,
        created: false,
        canceled: false,
        compactRevision: 0n,
        cancelReason: '',
        fragment: part.isFragment,
        events: part.events.map(toEvent),
      });
    }
  }

  private end(error: Error): void {
    if (this.isOver) return;
    this.flush();
    this.isOver = true;
    if (error instanceof StoreError && error.code === 'compacted') {
      this.send(
        etcdserverpb.WatchResponse.create({
          header: this.member.header(0),
          watchId: this.options.id,
          canceled: true,
          compactRevision: error.compactRevision ?? 0,
        }),
      );
    }
    this.onEnd(error);
  }

  private send(response: etcdserverpb.WatchResponse): void {
    this.heardOf = true;
    this.outbox.send(response);
  }
}
