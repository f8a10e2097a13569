import { type Clock } from '#machinery';
import { type HealthCheck, type Logger, type Registry, type RunningComponent } from '#telemetry';
import { type processSettings } from './common-settings';
import { type DebugPage } from './health-server';
import { type Settings, type SettingsTable } from './settings';

/** What an app's `start` is given. */
export interface ProcessContext<T extends SettingsTable> {
  /** The app's name, `scheduler`. */
  readonly name: string;
  readonly settings: Settings<T & typeof processSettings>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** What `/metrics` shows. */
  readonly metrics: Registry;
  /** Aborts when the process is told to stop, also while it starts. */
  readonly signal: AbortSignal;
  /** Takes charge of a started component: it is stopped when the process stops, in reverse order. Throws if that has begun. */
  readonly add: <C extends RunningComponent>(component: C) => C;
  /** What the process is for cannot be done any more: it ends at once, with code 1, and whoever watches over it may start it again. */
  readonly fail: (error: unknown, message: string) => void;
  /** A condition for `/readyz` (and `/healthz`), beside `started` and `shutdown`. */
  readonly ready: (name: string, check: HealthCheck['check']) => void;
  /** A page of the health port, by path. */
  readonly page: (path: string, page: DebugPage) => void;
}

/** An app as `main.ts` declares it. */
export interface App<T extends SettingsTable> {
  readonly name: string;
  /** What it is, in a few words, for `--help`. */
  readonly description: string;
  readonly settings: T;
  /** Starts everything and hands it to `context.add`. What it rejects with ends the process. */
  start(context: ProcessContext<T>): Promise<void>;
}
