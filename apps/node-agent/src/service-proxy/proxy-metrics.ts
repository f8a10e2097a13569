import { Counter, Gauge, Histogram, type Registry } from '#telemetry';

export interface ProxyMetrics {
  applied(nowMs: number, seconds: number): void;
  failed(): void;
}

/** kube-proxy's names. */
export function createProxyMetrics(registry: Registry): ProxyMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'kubeproxy_sync_proxy_rules_duration_seconds',
    help: 'Time that it took to compute and apply service rules.',
    buckets: [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384],
    registers,
  });
  const last = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    help: 'When service rules were applied last.',
    registers,
  });
  const failures = new Counter({
    name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
    help: 'How often service rules could not be applied.',
    registers,
  });
  return {
    applied(nowMs, seconds) {
      duration.observe(seconds);
      last.set(nowMs / 1000);
    },
    failed: () => failures.inc(),
  };
}
