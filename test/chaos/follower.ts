import { setTimeout as wait } from 'node:timers/promises';
import { type Client, type ClientDuplexStream } from '@grpc/grpc-js';
import { etcdserverpb, mvccpb, watchService } from '#etcd';
import { type KeyValueStore, StoreError } from '#store';
import { type Random } from '#testing';
import { type Floor } from './compactor';
import { LEDGER, LEDGER_END } from './ledger';
import { type Batch, type Change, changeOf } from './observer';

/** What one watch was told: everything from `start` on, up to the last batch. */
export interface Segment {
  readonly name: string;
  readonly start: number;
  readonly batches: readonly Batch[];
}

export interface Followed {
  readonly name: string;
  readonly store: KeyValueStore;
  readonly raw: Client;
}

type WatchStream = ClientDuplexStream<etcdserverpb.WatchRequest, etcdserverpb.WatchResponse>;

/**
 * Does again and again what a cache does: lists through one member, and watches from there through another, which may know less or more. Its
 * watches hide nothing (`raw.ts`): one that says a thing twice is heard to do so.
 */
export class Follower {
  readonly segments: Segment[] = [];
  readonly violations: string[] = [];
  private isOver = false;
  private readonly work: Promise<void>;

  constructor(
    private readonly members: () => readonly Followed[],
    private readonly random: Random,
    private readonly floor: Floor,
  ) {
    this.work = this.run();
    // Told by `finish`.
    this.work.catch(() => undefined);
  }

  async finish(): Promise<void> {
    this.isOver = true;
    await this.work;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const start = await this.list();
      if (start === undefined) await wait(100);
      else await this.watch(this.random.one(this.members()), start);
    }
  }

  /** @returns where to go on; undefined: there was no answer */
  private async list(): Promise<number | undefined> {
    // Somewhere near the end of what is remembered.
    if (this.random.chance(0.2)) return Math.max(1, this.floor.asked + this.random.between(-3, 20));
    try {
      const { store } = this.random.one(this.members());
      const serializable = this.random.chance(0.5);
      const { revision } = await store.range({ key: LEDGER, rangeEnd: LEDGER_END, keysOnly: true, serializable });
      return revision + 1;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return undefined;
    }
  }

  private async watch({ name, raw }: Followed, start: number): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = watchService.watch;
    const stream: WatchStream = raw.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const batches: Batch[] = [];
    const over = new AbortController();
    let last = start - 1;
    stream.on('error', () => over.abort());
    stream.on('end', () => over.abort());
    stream.on('data', ({ events, compactRevision }: etcdserverpb.WatchResponse) => {
      if (compactRevision > 0n && start >= this.floor.asked)
        this.violations.push(`${name}: a watch from ${start} is compacted, up to ${compactRevision}`);
      for (const { revision, changes } of batchesOf(events)) {
        if (revision <= last) this.violations.push(`${name}: a watch from ${start} tells of ${revision} after ${last}`);
        else batches.push({ revision, changes });
        last = Math.max(last, revision);
      }
    });
    const createRequest = etcdserverpb.WatchCreateRequest.create({
      key: Buffer.from(LEDGER),
      rangeEnd: Buffer.from(LEDGER_END),
      startRevision: BigInt(start),
    });
    stream.write({ requestUnion: { $case: 'createRequest', createRequest } });
    await wait(this.random.between(200, 3_000), undefined, { signal: over.signal }).catch(() => undefined);
    stream.cancel();
    this.segments.push({ name, start, batches });
  }
}

function batchesOf(events: etcdserverpb.WatchResponse['events']): Batch[] {
  const batches: { revision: number; changes: Change[] }[] = [];
  for (const { type, kv } of events) {
    if (kv === undefined) continue;
    const change = changeOf(type === mvccpb.Event_EventType.DELETE ? 'delete' : 'put', {
      key: Buffer.from(kv.key).toString('latin1'),
      value: kv.value,
      createRevision: Number(kv.createRevision),
      modRevision: Number(kv.modRevision),
      version: Number(kv.version),
    });
    const batch = batches.at(-1);
    if (batch?.revision === change.revision) batch.changes.push(change);
    else batches.push({ revision: change.revision, changes: [change] });
  }
  return batches;
}
