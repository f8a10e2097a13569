import { Counter, Gauge, Histogram, type Registry } from '#telemetry';

/** What a queue reports. Durations in milliseconds. */
export interface WorkQueueMetrics {
  added(): void;
  retried(): void;
  depth(length: number): void;
  started(waitedMs: number): void;
  finished(tookMs: number): void;
}

const buckets = [0.001, 0.01, 0.1, 1, 10, 100];

/** client-go's `workqueue_*` metrics, labelled with the queue's name. May be called again for the same registry. */
export function workQueueMetrics(registry: Registry, name: string): WorkQueueMetrics {
  const options = <T extends string>(metric: T, help: string) => ({
    name: `workqueue_${metric}`,
    help,
    labelNames: ['name'] as const,
    registers: [registry],
  });
  const find = <M>(metric: string, create: () => M): M =>
    (registry.getSingleMetric(`workqueue_${metric}`) as M | undefined) ?? create();

  const adds = find('adds_total', () => new Counter(options('adds_total', 'Keys added')));
  const retries = find('retries_total', () => new Counter(options('retries_total', 'Keys retried')));
  const depth = find('depth', () => new Gauge(options('depth', 'Keys waiting')));
  const queued = find(
    'queue_duration_seconds',
    () => new Histogram({ ...options('queue_duration_seconds', 'Time a key waits'), buckets }),
  );
  const work = find(
    'work_duration_seconds',
    () => new Histogram({ ...options('work_duration_seconds', 'Time a key is in work'), buckets }),
  );
  const labels = { name };
  const [add, retry, length, wait, took] = [
    adds.labels(labels),
    retries.labels(labels),
    depth.labels(labels),
    queued.labels(labels),
    work.labels(labels),
  ];
  return {
    added: () => add.inc(),
    retried: () => retry.inc(),
    depth: (value) => length.set(value),
    started: (ms) => wait.observe(ms / 1000),
    finished: (ms) => took.observe(ms / 1000),
  };
}
