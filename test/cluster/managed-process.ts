import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { eventually } from '../tools/eventually';

export interface ProcessOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Where its output goes; appended to over restarts. */
  readonly logFile: string;
  /** Base URL of its health server, if it has one. */
  readonly health?: string;
  /** What tells there that it is ready; default `/readyz`. */
  readonly readyPath?: string;
}

/** One process of a cluster, which can be ended in every way, and started again. */
export class ManagedProcess {
  private child: ChildProcess | undefined;

  constructor(private readonly options: ProcessOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** 0 before the first start. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  isHealthPort(port: number): boolean {
    return this.options.health !== undefined && new URL(this.options.health).port === String(port);
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Its exit code or signal; undefined while it runs. */
  get ending(): string | undefined {
    const { exitCode, signalCode } = this.child ?? { exitCode: 'not started', signalCode: null };
    return signalCode ?? exitCode?.toString();
  }

  get log(): string {
    return readFileSync(this.options.logFile, 'utf8');
  }

  start(): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const [program, ...args] = this.options.command;
    const log = openSync(this.options.logFile, 'a');
    this.child = spawn(program, args, {
      env: { PATH: process.env['PATH'], ...this.options.env },
      stdio: ['ignore', log, log],
    });
    this.child.once('error', (error) => process.stderr.write(`${this.name}: ${error.message}\n`));
    closeSync(log);
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** SIGSTOP: it stands still until `cont`. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  cont(): void {
    this.child?.kill('SIGCONT');
  }

  /** Resolves when it says that it is ready; at once for what has no health server. Rejects when it ends, or does not become ready, with what it said last. */
  async ready(timeoutMs = 60_000): Promise<void> {
    if (this.options.health === undefined) return;
    const isReady = await eventually(async () => {
      if (!this.isRunning) return false;
      const { status, text } = await this.get(this.options.readyPath ?? '/readyz');
      if (status !== 200) throw new Error(text);
      return true;
    }, timeoutMs).catch((error: unknown) => this.fail(`is not ready: ${String(error)}`));
    if (!isReady) this.fail(`has ended with ${this.ending}`);
  }

  private fail(what: string): never {
    throw new Error(`${this.name} ${what}\n${this.log.slice(-2000)}`);
  }

  /** Asks its health server. */
  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await fetch(`${this.options.health ?? ''}${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, text: await answer.text() };
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const exited = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    // A stopped process sees no SIGTERM.
    child.kill('SIGCONT');
    return (await exited)[0];
  }
}
