import { type KeyValueStore, type Watch, type WatchBatch } from '#store';
import { decodeValue } from './values';
import { REGISTERS } from './workload';

export interface Change {
  readonly revision: number;
  readonly key: string;
  /** 0: removed. */
  readonly value: number;
  /** 0: removed. */
  readonly createRevision: number;
  readonly version: number;
}

/** What happened in one revision. */
export interface Batch {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** Registers and the ledger, which is behind them. */
const OBSERVED = { key: REGISTERS, rangeEnd: 't' };

/** Watches everything through one member, from a revision on, over whatever happens to the connection. */
export class Observer {
  readonly batches: Batch[] = [];
  /** What no watch should ever do. */
  readonly faults: string[] = [];
  private readonly watch: Watch;
  private lastRevision: number;

  constructor(
    readonly name: string,
    store: KeyValueStore,
    readonly from = 1,
  ) {
    this.lastRevision = from - 1;
    this.watch = store.watch(
      { ...OBSERVED, startRevision: from },
      { onBatch: (batch) => this.take(batch), onEnd: (error) => this.faults.push(`${name}: ended: ${error.message}`) },
    );
  }

  /** Of the newest change it has seen. */
  get revision(): number {
    return this.lastRevision;
  }

  stop(): void {
    this.watch.cancel();
  }

  private take({ revision, events }: WatchBatch): void {
    if (revision <= this.lastRevision)
      this.faults.push(`${this.name}: revision ${revision} after ${this.lastRevision}`);
    this.lastRevision = revision;
    for (const { kv } of events) {
      if (kv.modRevision !== revision) this.faults.push(`${this.name}: an event of ${kv.modRevision} in ${revision}`);
    }
    this.batches.push({ revision, changes: events.map(({ type, kv }) => changeOf(type, kv)) });
  }
}

export function changeOf(
  type: 'put' | 'delete',
  kv: Pick<Change, 'key' | 'createRevision' | 'version'> & { readonly modRevision: number; readonly value: Uint8Array },
): Change {
  const { key, modRevision: revision, createRevision, version } = kv;
  if (type === 'delete') return { revision, key, value: 0, createRevision: 0, version: 0 };
  return { revision, key, value: decodeValue(kv.value), createRevision, version };
}
