import { type Fence } from '#client';

/** Decides which of several replicas of a component acts. */
export interface LeaderElector {
  /**
   * Calls `lead` each time this replica becomes leader; the signal aborts when leadership is lost or `stop` is called.
   * Resolves after `stop`, when the last `lead` has returned.
   *
   * `since` is the store revision at which the term began. No earlier leader can have written after it, so that a cache which has reached
   * it shows everything that they did. 0: there was none.
   */
  run(lead: (signal: AbortSignal, since: number) => Promise<void>): Promise<void>;
  /** Gives leadership up cleanly (releases the Lease). */
  stop(): Promise<void>;
  /**
   * The term in which this replica leads, for its client to send along with writes; after it has lost leadership the last term, so that
   * what is still under way is refused. Undefined: it has never led, or there are no terms.
   */
  fence?(): Fence | undefined;
}
