/** Decides which of several replicas of a component acts. */
export interface LeaderElector {
  /**
   * Calls `lead` each time this replica becomes leader; the signal aborts when leadership is lost or `stop` is called.
   * Resolves after `stop`, when the last `lead` has returned.
   */
  run(lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Gives leadership up cleanly (releases the Lease). */
  stop(): Promise<void>;
}
