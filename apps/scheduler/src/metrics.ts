import { Gauge, Histogram, type Registry } from '#telemetry';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** Upstream's metric names. */
export class SchedulerMetrics {
  private readonly attempts: Histogram;
  private readonly registry: Registry;

  constructor(registry: Registry) {
    this.registry = registry;
    this.attempts = new Histogram({
      name: 'scheduler_scheduling_attempt_duration_seconds',
      help: 'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
      labelNames: ['result', 'profile'],
      buckets: [
        0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
      ],
      registers: [registry],
    });
  }

  /** Starts timing; call the result with how it ended. */
  attempt(): (result: AttemptResult) => void {
    const stop = this.attempts.startTimer({ profile: 'default-scheduler' });
    return (result) => void stop({ result });
  }

  observeQueue(counts: () => Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>): void {
    new Gauge({
      name: 'scheduler_pending_pods',
      help: 'Number of pending pods, by the queue type',
      labelNames: ['queue'],
      registers: [this.registry],
      collect() {
        for (const [queue, count] of Object.entries(counts())) this.set({ queue }, count);
      },
    });
  }
}
