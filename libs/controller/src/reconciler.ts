import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import 'reflect-metadata';
import { type Watches } from './watches';

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
  /**
   * Says which objects lead to which keys; called once, before anything is reconciled. Handlers given here run synchronously
   * in the informer: they compute keys and nothing else.
   */
  watch?(watches: Watches): void;
  /**
   * Called each time this replica becomes leader, before its first pass. What the reconciler remembers of passes of an earlier term is
   * to be forgotten: another has acted meanwhile. What watch handlers gather stays right, since they run all the time.
   * @param signal aborts when the term ends
   */
  lead?(signal: AbortSignal): void;
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void>;
}

export interface ReconcilerOptions {
  /** Name of its queue, in logs and metrics: `replicaset`. */
  readonly name: string;
  /** How many keys may be in work at once. Default 8. */
  readonly workers?: number;
}

const OPTIONS = Symbol('reconciler options');

/** Marks a provider as a reconciler: `startController` finds it, gives it a queue and workers, and runs it while leading. */
export function Reconciler(options: ReconcilerOptions): ClassDecorator {
  return applyDecorators(Injectable(), SetMetadata(OPTIONS, options));
}

/** The options that a class was decorated with, if it is a reconciler. */
export function reconcilerOptions(target: object): ReconcilerOptions | undefined {
  return Reflect.getMetadata(OPTIONS, target) as ReconcilerOptions | undefined;
}
