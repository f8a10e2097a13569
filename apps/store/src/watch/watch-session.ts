import { etcdserverpb } from '#etcd';
import { type Clock, type Timer } from '#machinery';
import { type KeyRange, type KeyValueStore, StoreError, type WatchRequest } from '#store';
import { type Member } from '../member';
import { type StoreServerMetrics } from '../metrics';
import { fromStartRevision, keyOf } from '../requests';
import { codeName, statusOf } from '../status';
import { Outbox } from './outbox';
import { ServedWatch } from './served-watch';

export interface WatchSessionContext {
  readonly store: KeyValueStore;
  readonly member: Member;
  readonly clock: Clock;
  readonly metrics: StoreServerMetrics;
  readonly progressNotifyMs: number;
  /** @throws StoreError if the client may not read the range */
  permit?(range: KeyRange): void;
}

/** What etcd calls a watch that could not be created, and an answer for all watches of a stream. */
const NO_WATCH = -1n;

/** All watches of one stream, without the stream: requests in, encoded responses out. */
export class WatchSession {
  private readonly watches = new Map<bigint, ServedWatch>();
  private readonly outbox: Outbox;
  private nextId = 0n;
  private timer: Timer | undefined;
  private isOver = false;
  private onRoom: () => void = () => undefined;

  /**
   * @param write calls `taken` when the client's flow control has let the message through
   * @param onFailure the store has ended: so does the stream
   */
  constructor(
    private readonly context: WatchSessionContext,
    write: (message: Buffer, taken: () => void) => void,
    private readonly onFailure: (error: Error) => void,
  ) {
    this.outbox = new Outbox(write, () => this.resume());
    context.metrics.watchStreams.inc();
    this.armProgress();
  }

  /** Resolves when the client has not too much to read to ask for more. */
  hasRoom(): Promise<void> {
    if (!this.outbox.isFull) return Promise.resolve();
    return new Promise((resolve) => (this.onRoom = resolve));
  }

  async receive({ requestUnion }: etcdserverpb.WatchRequest): Promise<void> {
    switch (requestUnion?.$case) {
      case 'createRequest':
        return this.create(requestUnion.createRequest);
      case 'cancelRequest':
        return this.cancel(requestUnion.cancelRequest.watchId);
      case 'progressRequest':
        return this.progress();
    }
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.timer?.cancel();
    for (const watch of this.watches.values()) this.drop(watch);
    this.context.metrics.watchStreams.dec();
  }

  private async create(create: etcdserverpb.WatchCreateRequest): Promise<void> {
    const { store, member, metrics } = this.context;
    const current = await member.status();
    if (this.isOver) return;
    const range = rangeOf(create);
    const problem = this.refusalOf(range) ?? this.problemOf(create, range);
    if (problem !== undefined) {
      const answer = { watchId: NO_WATCH, created: true, canceled: true, cancelReason: problem };
      return this.send(current.revision, answer);
    }
    const id = create.watchId === 0n ? this.freeId() : create.watchId;
    const request: WatchRequest = {
      ...range,
      // Not "from the next change on": the answer has to name the revision after which that is.
      startRevision: fromStartRevision(create.startRevision) || current.revision + 1,
      prevKv: create.prevKv,
      filters: create.filters.map((filter) =>
        filter === etcdserverpb.WatchCreateRequest_FilterType.NOPUT ? 'no-put' : 'no-delete',
      ),
    };
    this.send(current.revision, { watchId: id, created: true });
    const options = { id, request, mayFragment: create.fragment, wantsProgress: create.progressNotify };
    const watch = new ServedWatch(options, store, member, this.outbox, metrics.slowWatchers, (error) => {
      if (this.isOver) return;
      this.drop(watch);
      if (!(error instanceof StoreError) || error.code !== 'compacted') this.onFailure(error);
    });
    this.watches.set(id, watch);
    metrics.watchers.inc();
  }

  /** @returns why they may not watch, as grpc-go writes it */
  private refusalOf(range: WatchRequest): string | undefined {
    try {
      this.context.permit?.(range);
      return undefined;
    } catch (error) {
      const refusal = statusOf(error);
      if (refusal === undefined) throw error;
      return `rpc error: code = ${codeName(refusal.code)} desc = ${refusal.details}`;
    }
  }

  private problemOf(create: etcdserverpb.WatchCreateRequest, { key, rangeEnd }: WatchRequest): string | undefined {
    if (rangeEnd !== undefined && rangeEnd !== '\0' && rangeEnd <= key) return 'mvcc: watcher range is empty';
    if (create.watchId !== 0n && this.watches.has(create.watchId)) {
      return 'mvcc: duplicate watch ID provided on the WatchStream';
    }
    return undefined;
  }

  private freeId(): bigint {
    while (this.watches.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }

  private async cancel(id: bigint): Promise<void> {
    const watch = this.watches.get(id);
    if (watch === undefined) return;
    this.drop(watch);
    const { revision } = await this.context.member.status();
    this.send(revision, { watchId: id, canceled: true });
  }

  /** All watches together have come as far as the one that is furthest behind. */
  private async progress(): Promise<void> {
    const { revision } = await this.context.member.status();
    let reached = revision;
    for (const watch of this.watches.values()) reached = Math.min(reached, watch.revision);
    this.send(reached, { watchId: NO_WATCH });
  }

  private resume(): void {
    this.onRoom();
    for (const watch of this.watches.values()) {
      if (this.outbox.isFull) return;
      watch.resume();
    }
  }

  private drop(watch: ServedWatch): void {
    watch.cancel();
    if (this.watches.delete(watch.options.id)) this.context.metrics.watchers.dec();
  }

  private armProgress(): void {
    const { clock, progressNotifyMs } = this.context;
    this.timer = clock.setTimer(progressNotifyMs, () => {
      for (const watch of this.watches.values()) {
        if (watch.options.wantsProgress && !watch.heardOf && !watch.isPaused) watch.sendProgress();
        watch.heardOf = false;
      }
      this.armProgress();
    });
  }

  private send(revision: number, part: Partial<etcdserverpb.WatchResponse>): void {
    if (this.isOver) return;
    this.outbox.send(etcdserverpb.WatchResponse.create({ header: this.context.member.header(revision), ...part }));
  }
}

/** An empty key means the first one; an end of one zero byte means all keys from there on. */
function rangeOf({ key, rangeEnd }: etcdserverpb.WatchCreateRequest): WatchRequest {
  return { key: key.length === 0 ? '\0' : keyOf(key), ...(rangeEnd.length === 0 ? {} : { rangeEnd: keyOf(rangeEnd) }) };
}
