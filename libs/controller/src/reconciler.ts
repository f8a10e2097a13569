/** What to do after a successful pass. */
export interface ReconcileResult {
  /** Look again after this many milliseconds even if nothing changes. */
  readonly requeueAfterMs?: number;
}

/**
 * One step of a control loop. Called with a key, never with an event: read the caches, compare with the spec, act, return.
 * A key is never reconciled twice at once, and bursts of events on it collapse into one call. A rejection is logged and the key
 * retried with exponential back-off and jitter; a `Conflict` or `NotFound` from the API is retried without being logged as an error.
 */
export interface Reconciler {
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void>;
}
