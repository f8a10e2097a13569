import { type Clock, type Timer } from '#machinery';
import { StoreError } from '#store';

/** etcd's: three election timeouts, as long as they are if nobody says otherwise. */
const LOOK_MS = 1_000;
const LOOKS_WITHOUT = 3;

export const noLeader = (): StoreError => new StoreError('unavailable', 'etcdserver: no leader');

/** Ends the streams of clients that insist on a leader when there has been none for a while: they go on at another member. */
export class LeaderMonitor {
  private readonly streams = new Set<(error: StoreError) => void>();
  private timer: Timer | undefined;
  private without = 0;

  constructor(
    private readonly clock: Clock,
    private readonly hasLeader: () => boolean,
  ) {}

  /** @returns for when the stream is over */
  add(end: (error: StoreError) => void): () => void {
    this.streams.add(end);
    this.arm();
    return () => {
      this.streams.delete(end);
      if (this.streams.size > 0) return;
      this.timer?.cancel();
      this.timer = undefined;
      this.without = 0;
    };
  }

  private arm(): void {
    this.timer ??= this.clock.setTimer(LOOK_MS, () => {
      this.timer = undefined;
      this.without = this.hasLeader() ? 0 : this.without + 1;
      if (this.without >= LOOKS_WITHOUT) for (const end of [...this.streams]) end(noLeader());
      if (this.streams.size > 0) this.arm();
    });
  }
}
