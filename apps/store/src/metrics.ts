import { type status } from '@grpc/grpc-js';
import { type Clock } from '#machinery';
import { Counter, Gauge, Histogram, type Registry } from '#telemetry';
import { type KeyValueStore, type LocalStore } from '#store';
import { codeName } from './status';
import { registerStoreMetrics } from './store-metrics';

/** What is told of one call. */
export interface CallMetrics {
  received(bytes: number): void;
  sent(bytes: number): void;
  /** To be called once, with the code it ended with. */
  ended(code: status): void;
}

export interface StoreServerMetrics {
  /** A call has begun. */
  call(path: string, type: 'unary' | 'server_stream' | 'bidi_stream'): CallMetrics;
  readonly watchStreams: Gauge;
  readonly watchers: Gauge;
  readonly slowWatchers: Gauge;
  readonly healthy: Counter;
  readonly unhealthy: Counter;
}

/** Seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** etcd's names. */
export function createStoreServerMetrics(
  registry: Registry,
  store: KeyValueStore & Partial<LocalStore>,
  clock: Clock,
): StoreServerMetrics {
  const registers = [registry];
  const labelNames = ['grpc_type', 'grpc_service', 'grpc_method'] as const;
  const perMethod = (name: string, help: string): Counter<(typeof labelNames)[number]> =>
    new Counter({ name, help, labelNames, registers });
  const started = perMethod('grpc_server_started_total', 'Calls begun.');
  const received = perMethod('grpc_server_msg_received_total', 'Messages received.');
  const sent = perMethod('grpc_server_msg_sent_total', 'Messages sent.');
  const handled = new Counter({
    name: 'grpc_server_handled_total',
    help: 'Calls ended, by status code.',
    labelNames: [...labelNames, 'grpc_code'] as const,
    registers,
  });
  const handling = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'How long calls took.',
    labelNames,
    registers,
    buckets,
  });
  registerStoreMetrics(registry, store);
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const receivedBytes = counter('etcd_network_client_grpc_received_bytes_total', 'Bytes of messages of clients.');
  const sentBytes = counter('etcd_network_client_grpc_sent_bytes_total', 'Bytes of messages to clients.');
  const methods = new Map<string, (startedAt: number) => CallMetrics>();

  const method = (path: string, type: string): ((startedAt: number) => CallMetrics) => {
    const [, service = '', name = ''] = path.split('/');
    const labels = { grpc_type: type, grpc_service: service, grpc_method: name };
    const [begun, taken, given, took] = [started, received, sent, handling].map((metric) => metric.labels(labels)) as [
      Counter.Internal,
      Counter.Internal,
      Counter.Internal,
      Histogram.Internal<(typeof labelNames)[number]>,
    ];
    const codes = new Map<status, Counter.Internal>();
    const ended = (code: status): Counter.Internal => {
      const known = codes.get(code) ?? handled.labels({ ...labels, grpc_code: codeName(code) });
      codes.set(code, known);
      return known;
    };
    return (startedAt) => {
      begun.inc();
      return {
        received(bytes) {
          taken.inc();
          receivedBytes.inc(bytes);
        },
        sent(bytes) {
          given.inc();
          sentBytes.inc(bytes);
        },
        ended(code) {
          ended(code).inc();
          took.observe((clock.monotonic() - startedAt) / 1000);
        },
      };
    };
  };
  return {
    call(path, type) {
      const known = methods.get(path) ?? method(path, type);
      methods.set(path, known);
      return known(clock.monotonic());
    },
    watchStreams: gauge('etcd_debugging_mvcc_watch_stream_total', 'Watch streams open.'),
    watchers: gauge('etcd_debugging_mvcc_watcher_total', 'Watches open.'),
    slowWatchers: gauge('etcd_debugging_mvcc_slow_watcher_total', 'Watches whose client does not keep up.'),
    healthy: counter('etcd_server_health_success', 'Times that /health said yes.'),
    unhealthy: counter('etcd_server_health_failures', 'Times that /health said no.'),
  };
}
