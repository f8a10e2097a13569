import { type status } from '@grpc/grpc-js';
import { Counter, Gauge, type Registry } from '#telemetry';
import { type KeyValueStore, type LocalStore } from '#store';
import { codeName } from './status';
import { registerStoreMetrics } from './store-metrics';

export interface StoreServerMetrics {
  /** A call has begun. @returns to be called once with the code it ended with */
  call(path: string, type: 'unary' | 'server_stream' | 'bidi_stream'): (code: status) => void;
  readonly watchStreams: Gauge;
  readonly watchers: Gauge;
  readonly slowWatchers: Gauge;
}

/** etcd's names. */
export function createStoreServerMetrics(
  registry: Registry,
  store: KeyValueStore & Partial<LocalStore>,
): StoreServerMetrics {
  const registers = [registry];
  const labelNames = ['grpc_type', 'grpc_service', 'grpc_method'] as const;
  const started = new Counter({
    name: 'grpc_server_started_total',
    help: 'Calls begun.',
    labelNames,
    registers,
  });
  const handled = new Counter({
    name: 'grpc_server_handled_total',
    help: 'Calls ended, by status code.',
    labelNames: [...labelNames, 'grpc_code'] as const,
    registers,
  });
  registerStoreMetrics(registry, store);
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  return {
    call(path, type) {
      const [, service = '', method = ''] = path.split('/');
      const labels = { grpc_type: type, grpc_service: service, grpc_method: method };
      started.inc(labels);
      return (code) => handled.inc({ ...labels, grpc_code: codeName(code) });
    },
    watchStreams: gauge('etcd_debugging_mvcc_watch_stream_total', 'Watch streams open.'),
    watchers: gauge('etcd_debugging_mvcc_watcher_total', 'Watches open.'),
    slowWatchers: gauge('etcd_debugging_mvcc_slow_watcher_total', 'Watches whose client does not keep up.'),
  };
}
