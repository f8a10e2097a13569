import { type etcdserverpb } from '#etcd';
import { type StoreEvent, type WatchBatch } from '../src/key-value-store';
import { fromEvent, revisionOf } from './responses';

/**
 * Turns the responses of one watch on one stream into batches, one a revision. A response may hold many revisions, and one
 * revision may be spread over several responses (`fragment`): its events are held back until the last of them is here.
 */
export class WatchAssembler {
  private held: StoreEvent[] = [];

  /**
   * @param next the first revision not yet delivered; 0: what comes after `past`
   * @param past a revision that was there when the watch was asked for
   */
  constructor(
    private next: number,
    private readonly past = 0,
  ) {}

  /** The first revision that is still to come; 0: not known before the watch is created. */
  get nextRevision(): number {
    return this.next;
  }

  /**
   * The watch has been created, and sees every change after the response's revision. That may lie behind what the client
   * knows of: etcd tells watchers of a revision before it counts it as its own, and one member lags behind another.
   */
  created(response: etcdserverpb.WatchResponse): void {
    if (this.next === 0) this.next = Math.max(this.past, revisionOf(response)) + 1;
  }

  *add(response: etcdserverpb.WatchResponse): Generator<WatchBatch> {
    for (const raw of response.events) {
      const event = fromEvent(raw);
      if (event.kv.modRevision < this.next) continue;
      if (this.held.length > 0 && this.held[0]!.kv.modRevision !== event.kv.modRevision) yield this.release();
      this.held.push(event);
    }
    if (response.fragment) return;
    if (this.held.length > 0) yield this.release();
    // A response without events says how far the watch has come.
    else if (response.events.length === 0) this.next = Math.max(this.next, revisionOf(response) + 1);
  }

  private release(): WatchBatch {
    const events = this.held;
    this.held = [];
    const revision = events[0]!.kv.modRevision;
    this.next = revision + 1;
    return { revision, events };
  }
}
