import { setTimeout as wait } from 'node:timers/promises';

/** Between a client's requests: the processor is for what is tested. */
const PAUSE_MS = 5;

export interface TrafficReport {
  readonly answers: string[];
  /** Everything that was no 2xx answer. */
  readonly failures: string[];
}

/** Requests to a URL, each on a connection of its own, one after the other in each of `clients` loops, until told to stop. */
export class Traffic {
  private readonly report: TrafficReport = { answers: [], failures: [] };
  private readonly running: Promise<unknown>;
  private isStopping = false;

  constructor(
    private readonly url: string,
    clients = 2,
  ) {
    this.running = Promise.all(Array.from({ length: clients }, () => this.ask()));
  }

  /** What has happened since the last call. */
  take(): TrafficReport {
    return { answers: this.report.answers.splice(0), failures: this.report.failures.splice(0) };
  }

  async stop(): Promise<TrafficReport> {
    this.isStopping = true;
    await this.running;
    return this.take();
  }

  private async ask(): Promise<void> {
    while (!this.isStopping) {
      try {
        const response = await fetch(this.url, { headers: { connection: 'close' } });
        const text = await response.text();
        if (response.ok) this.report.answers.push(text);
        else this.report.failures.push(`${response.status} ${text}`);
      } catch (error) {
        this.report.failures.push(String((error as Error).cause ?? error));
      }
      await wait(PAUSE_MS);
    }
  }
}
