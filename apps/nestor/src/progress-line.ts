import { type Clock } from '#machinery';

/** What is over sooner needs no progress. */
const quietMs = 2_000;
const terminalIntervalMs = 100;
const logIntervalMs = 5_000;

/** One line that tells how far something is: rewritten on a terminal, now and then a new one in a log. Nothing for what is over in two seconds. */
export class ProgressLine {
  private readonly startedAt: number;
  private shownAt = -Infinity;
  private isShown = false;

  constructor(
    private readonly clock: Clock,
    private readonly output: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  ) {
    this.startedAt = clock.monotonic();
  }

  show(text: () => string): void {
    const now = this.clock.monotonic();
    const isTerminal = this.output.isTTY === true;
    const interval = isTerminal ? terminalIntervalMs : logIntervalMs;
    if (now - this.startedAt < quietMs || now - this.shownAt < interval) return;
    this.shownAt = now;
    this.isShown = true;
    const line = text();
    this.output.write(isTerminal ? `\r${line.slice(0, (this.output.columns ?? 80) - 1)}\x1b[K` : `${line}\n`);
  }

  /** Makes room for what is printed next. */
  end(): void {
    if (this.isShown && this.output.isTTY === true) this.output.write('\r\x1b[K');
  }
}
