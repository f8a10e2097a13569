import { type KeyValueStore, StoreError } from '#store';
import { type Random } from '#testing';

const TTL_S = 3;
/** What an expiry may take beyond its time while all is well. */
const PATIENCE_MS = 60_000;

/**
 * Takes one lease after the other, keeps it alive for a while, lets go, and looks at when its key goes: not before the lease's time is
 * over, counted from when the last answered renewal was asked for, and not never. A key that was taken from the lease again stays.
 */
export class LeaseKeeper {
  readonly violations: string[] = [];
  /** Leases that were seen to end. */
  ended = 0;
  private isOver = false;
  private readonly work: Promise<void>;

  constructor(
    private readonly stores: () => readonly KeyValueStore[],
    private readonly random: Random,
    private readonly now: () => number,
    private readonly prefix = 'lease/',
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
    for (let number = 1; !this.isOver; number++) {
      try {
        await this.oneLease(`${this.prefix}${number}`);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        await this.pause(200);
      }
    }
  }

  private async oneLease(key: string): Promise<void> {
    let safeUntil = this.now() + TTL_S * 1_000;
    const { id } = await this.any().leaseGrant(TTL_S);
    await this.any().put({ key, value: Buffer.from('held'), lease: id });
    const kept = `${key}/kept`;
    await this.any().put({ key: kept, value: Buffer.from('held'), lease: id });
    await this.any().put({ key: kept, value: Buffer.from('kept') });
    for (let renewals = this.random.between(0, 4); renewals > 0 && !this.isOver; renewals--) {
      await this.pause(700);
      const asked = this.now();
      try {
        if ((await this.any().leaseKeepAlive(id)) > 0) safeUntil = Math.max(safeUntil, asked + TTL_S * 1_000);
      } catch (error) {
        // An answer that did not come promises nothing.
        if (!(error instanceof StoreError)) throw error;
      }
    }
    await this.watchItGo(key, safeUntil);
    const { kvs } = await this.any().range({ key: kept });
    if (kvs.length === 0) this.violations.push(`${kept} went with a lease that it did not have any more`);
    await this.any().deleteRange({ key: kept });
  }

  private async watchItGo(key: string, safeUntil: number): Promise<void> {
    for (;;) {
      const asked = this.now();
      try {
        const { kvs } = await this.any().range({ key });
        const answered = this.now();
        if (kvs.length === 0) {
          if (answered < safeUntil)
            this.violations.push(`${key} was gone ${Math.round(safeUntil - answered)} ms early`);
          this.ended++;
          return;
        }
        if (this.isOver && asked > safeUntil + PATIENCE_MS) {
          this.violations.push(`${key} is still there ${Math.round(asked - safeUntil)} ms after its lease`);
          return;
        }
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
      await this.pause(100);
    }
  }

  private any(): KeyValueStore {
    return this.random.one(this.stores());
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
