import { Counter, Histogram, type Registry } from '#telemetry';
import { rcodeName, typeName } from './wire/constants';

export interface DnsMetrics {
  request(transport: string, family: 4 | 6, type: number, isInZone: boolean): void;
  response(seconds: number, rcode: number, by: string, isInZone: boolean): void;
  cacheLookup(isHit: boolean): void;
}

/** CoreDNS's names. */
export function createDnsMetrics(registry: Registry, zone: string): DnsMetrics {
  const registers = [registry];
  const server = 'dns://:53';
  const zoneOf = (isInZone: boolean): string => (isInZone ? `${zone}.` : '.');
  const requests = new Counter({
    name: 'coredns_dns_requests_total',
    help: 'DNS requests.',
    labelNames: ['server', 'zone', 'proto', 'family', 'type'],
    registers,
  });
  const durations = new Histogram({
    name: 'coredns_dns_request_duration_seconds',
    help: 'Time that each request took.',
    labelNames: ['server', 'zone'],
    buckets: [
      0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096,
    ],
    registers,
  });
  const responses = new Counter({
    name: 'coredns_dns_responses_total',
    help: 'Responses by code.',
    labelNames: ['server', 'zone', 'rcode', 'plugin'],
    registers,
  });
  const hits = new Counter({
    name: 'coredns_cache_hits_total',
    help: 'Cache hits.',
    labelNames: ['server'],
    registers,
  });
  const misses = new Counter({
    name: 'coredns_cache_misses_total',
    help: 'Cache misses.',
    labelNames: ['server'],
    registers,
  });
  return {
    request: (proto, family, type, isInZone) =>
      requests.inc({ server, zone: zoneOf(isInZone), proto, family: String(family), type: typeName(type) }),
    response(seconds, rcode, plugin, isInZone) {
      durations.observe({ server, zone: zoneOf(isInZone) }, seconds);
      responses.inc({ server, zone: zoneOf(isInZone), rcode: rcodeName(rcode), plugin });
    },
    cacheLookup: (isHit) => (isHit ? hits : misses).inc({ server }),
  };
}
