import { type Clock, type Timer } from '#machinery';
import { collectDefaultMetrics, type HealthCheck, type Logger, Registry, type RunningComponent } from '#telemetry';
import { processSettings } from './common-settings';
import { type DebugPage, startHealthServer } from './health-server';
import { type App, type ProcessContext } from './process-context';
import { describeSettings, readSettings, type Settings, SettingsError, type SettingsTable } from './settings';

/** What a process is to its program. Injected, so that the life of a process can be tested without one. */
export interface Host {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly random: () => number;
  /** To standard output or standard error. */
  print(to: 'out' | 'err', text: string): void;
  createLogger(name: string, level: string): Logger;
  on(event: 'SIGTERM' | 'SIGINT' | 'uncaughtException' | 'unhandledRejection', listener: (what: unknown) => void): void;
  /** Ends the process. */
  exit(code: number): void;
}

/** Exit code for an environment or arguments that make no sense, as shells have it. */
const USAGE = 2;

/**
 * Runs an app for the life of the process: reads its settings, serves its health, starts it, and on SIGTERM or SIGINT stops what it
 * started, in reverse order. Exit codes: 0 stopped cleanly, 1 failed (start, defect, deadline, second signal), 2 wrong settings.
 */
export async function runApp<T extends SettingsTable>(app: App<T>, host: Host): Promise<void> {
  const table = { ...app.settings, ...processSettings };
  if (host.args.some((argument) => argument === '--help' || argument === '-h')) {
    host.print(
      'out',
      `${app.name}: ${app.description}\n\nIt is configured by its environment:\n${describeSettings(table)}`,
    );
    return host.exit(0);
  }
  try {
    if (host.args.length > 0) throw new SettingsError([`${host.args[0]} is no argument of ${app.name}: try --help.`]);
    const settings = readSettings(table, host.env);
    await new Life<T>(app, settings, host).run();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    host.print('err', error.problems.map((problem) => `${app.name}: ${problem}\n`).join(''));
    host.exit(USAGE);
  }
}

class Life<T extends SettingsTable> {
  private readonly logger: Logger;
  private readonly metrics = new Registry();
  private readonly checks: HealthCheck[];
  private readonly pages = new Map<string, DebugPage>();
  private readonly components: RunningComponent[] = [];
  private readonly stopping = new AbortController();
  private readonly settings: Settings<typeof processSettings>;
  private hasStarted = false;
  private hasEnded = false;
  private starting: Promise<void> = Promise.resolve();

  constructor(
    private readonly app: App<T>,
    private readonly all: Settings<T & typeof processSettings>,
    private readonly host: Host,
  ) {
    this.settings = all;
    this.logger = host.createLogger(app.name, this.settings.LOG_LEVEL);
    this.checks = [
      { name: 'ping', on: ['healthz', 'livez', 'readyz'], check: () => undefined },
      { name: 'started', on: ['readyz'], check: () => this.mustHaveStarted() },
      { name: 'shutdown', on: ['readyz'], check: () => this.stopping.signal.throwIfAborted() },
    ];
  }

  async run(): Promise<void> {
    const { host } = this;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.on(signal, () => this.signalled(signal));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      host.on(event, (error) => this.fatal(error, `${event}: this is a defect`));
    }
    collectDefaultMetrics({ register: this.metrics });
    this.starting = this.start();
    await this.starting;
  }

  private async start(): Promise<void> {
    try {
      this.components.push(
        await startHealthServer({
          address: this.settings.HEALTH_ADDRESS,
          checks: this.checks,
          metrics: this.metrics,
          pages: this.pages,
          logger: this.logger,
        }),
      );
      await this.app.start(this.context());
      this.hasStarted = true;
      this.logger.info('started');
    } catch (error) {
      // A stop that came in the middle has its own way to end.
      if (this.stopping.signal.aborted) return;
      // What the app finds wrong with its settings once it looks closer.
      if (error instanceof SettingsError) throw error;
      this.host.print('err', `${this.app.name} does not start: ${(error as Error).message}\n`);
      this.fatal(error, 'start failed');
    }
  }

  private context(): ProcessContext<T> {
    const { app, all: settings, logger, host, metrics } = this;
    const { signal } = this.stopping;
    return {
      name: app.name,
      settings,
      logger,
      clock: host.clock,
      random: host.random,
      metrics,
      signal,
      add: (component) => {
        this.components.push(component);
        signal.throwIfAborted();
        return component;
      },
      fail: (error, message) => this.fatal(error, message),
      ready: (name, check) => this.checks.push({ name, check, on: ['readyz', 'healthz'] }),
      page: (path, page) => this.pages.set(path, page),
    };
  }

  private signalled(signal: string): void {
    if (this.stopping.signal.aborted) return this.end(1, `${signal} again: ending at once`);
    this.logger.info({ signal }, 'stopping');
    this.stopping.abort(new Error('process is shutting down'));
    const { SHUTDOWN_TIMEOUT: timeout } = this.settings;
    const deadline = this.host.clock.setTimer(timeout, () => this.end(1, 'not stopped in time'));
    void this.stop(deadline);
  }

  private async stop(deadline: Timer): Promise<void> {
    await this.starting;
    let code = 0;
    for (const component of this.components.splice(0).reverse()) {
      try {
        await component.stop();
      } catch (error) {
        code = 1;
        this.logger.error({ err: error, component: component.name }, 'a component did not stop cleanly');
      }
    }
    deadline.cancel();
    this.end(code, 'stopped');
  }

  private fatal(error: unknown, message: string): void {
    this.logger.fatal({ err: error }, message);
    this.end(1, message);
  }

  private end(code: number, message: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.logger[code === 0 ? 'info' : 'error']({ code }, message);
    this.host.exit(code);
  }

  private mustHaveStarted(): void {
    if (!this.hasStarted) throw new Error('not started yet');
  }
}
