import { type KeyValueStore, type Watch, type WatchBatch } from '#store';
import { decodeValue, REGISTERS } from './workload';

export interface Change {
  readonly revision: number;
  readonly key: string;
  /** 0: removed. */
  readonly value: number;
}

/** Watches all registers through one member, from the beginning of time. */
export class Observer {
  readonly changes: Change[] = [];
  /** What no watch should ever do. */
  readonly faults: string[] = [];
  private readonly watch: Watch;
  private lastRevision = 0;

  constructor(
    readonly name: string,
    store: KeyValueStore,
  ) {
    this.watch = store.watch(
      { key: REGISTERS, rangeEnd: `${REGISTERS.slice(0, -1)}0`, startRevision: 1 },
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
    for (const { type, kv } of events) {
      if (kv.modRevision !== revision) this.faults.push(`${this.name}: an event of ${kv.modRevision} in ${revision}`);
      this.changes.push({
        revision: kv.modRevision,
        key: kv.key,
        value: type === 'delete' ? 0 : decodeValue(kv.value),
      });
    }
  }
}
