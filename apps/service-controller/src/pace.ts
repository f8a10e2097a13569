import { type Clock } from '#machinery';

export interface PaceOptions {
  /** With so many endpoints or fewer a Service is looked at whenever something changes. */
  readonly small: number;
  readonly minimumMs: number;
  /** Added for each endpoint, so that the work per second does not grow with the Service. */
  readonly msPerEndpoint: number;
}

interface Pass {
  readonly at: number;
  readonly endpoints: number;
}

/**
 * How often a Service is looked at. A pass costs time in proportion to its endpoints, and each of them asks for passes when it
 * comes and goes: without a pace a thousand pods that start cost a million steps. The first change after a rest goes through at once.
 */
export class Pace {
  private readonly last = new Map<string, Pass>();

  constructor(
    private readonly clock: Clock,
    private readonly options: PaceOptions,
  ) {}

  /** Milliseconds to let go by before the next pass; 0: now. */
  restBefore(key: string): number {
    const last = this.last.get(key);
    if (last === undefined || last.endpoints <= this.options.small) return 0;
    const { minimumMs, msPerEndpoint } = this.options;
    const intervalMs = Math.max(minimumMs, last.endpoints * msPerEndpoint);
    return Math.max(0, last.at + intervalMs - this.clock.monotonic());
  }

  passed(key: string, endpoints: number): void {
    this.last.set(key, { at: this.clock.monotonic(), endpoints });
  }

  forget(key: string): void {
    this.last.delete(key);
  }
}
