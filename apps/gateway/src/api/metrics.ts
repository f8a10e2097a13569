import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type Clock } from '#machinery';
import { type ApiRequest } from '../request/api-request';
import { resolveRequestInfo } from '../request/request-info';
import { type RequestObserver } from '../request/request-metrics';
import { type PathRoute } from './paths';

const verbs: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
};

/** The metrics of upstream's API server that dashboards look at. */
export class GatewayMetrics implements RequestObserver {
  private readonly registry = new Registry();
  private readonly total = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, group, version, resource, scope, and HTTP response code.',
    labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'code'] as const,
    registers: [this.registry],
  });
  private readonly duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, group, version, resource, subresource and scope.',
    labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope'] as const,
    buckets: [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60],
    registers: [this.registry],
  });
  private readonly inflight = new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Number of currently used inflight requests.',
    registers: [this.registry],
  });

  constructor(
    private readonly clock: Clock,
    /** Objects by resource, read when the metrics are. */
    objectCounts: () => Iterable<readonly [resource: string, count: number]>,
  ) {
    const objects = new Gauge({
      name: 'apiserver_storage_objects',
      help: 'Number of stored objects at the time of last check split by kind.',
      labelNames: ['resource'] as const,
      registers: [this.registry],
      collect: () => {
        for (const [resource, count] of objectCounts()) objects.set({ resource }, count);
      },
    });
  }

  begin(): (request: ApiRequest | undefined, method: string, code: number) => void {
    const start = this.clock.monotonic();
    this.inflight.inc();
    return (request, method, code) => {
      this.inflight.dec();
      const info = request === undefined ? undefined : resolveRequestInfo(request.method, request.path, request.query);
      const labels = {
        verb: verbs[info?.verb ?? ''] ?? method,
        group: info?.group ?? '',
        version: info?.version ?? '',
        resource: info?.resource ?? '',
        subresource: info?.subresource ?? '',
        scope:
          info?.isResourceRequest !== true
            ? ''
            : info.name !== ''
              ? 'resource'
              : info.namespace !== ''
                ? 'namespace'
                : 'cluster',
      };
      this.total.inc({ ...labels, code });
      if (labels.verb !== 'WATCH') this.duration.observe(labels, (this.clock.monotonic() - start) / 1000);
    };
  }

  /** `/metrics`. */
  route(): PathRoute {
    return async (request) => {
      if (request.path !== '/metrics') return undefined;
      const text = await this.registry.metrics();
      return {
        type: 'raw',
        status: 200,
        headers: { 'content-type': this.registry.contentType },
        body: Buffer.from(text),
      };
    };
  }
}
