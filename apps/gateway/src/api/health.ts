import { type PathRoute } from './paths';
import { textResult } from '../request/api-result';

/** One thing that health endpoints look at. */
export interface HealthCheck {
  readonly name: string;
  /** Rejects or throws if it is not well. */
  check(): void | Promise<void>;
  /** Endpoints that show it. */
  readonly on: readonly ('healthz' | 'livez' | 'readyz')[];
}

const everywhere = ['healthz', 'livez', 'readyz'] as const;
const always = (): void => undefined;

/** Upstream's start-up hooks, in its order; here they have all run before the server listens. */
const hooks = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'peer-endpoint-reconciler-controller',
  'start-cluster-authentication-info-controller',
  'start-kube-apiserver-identity-lease-controller',
  'start-kube-apiserver-identity-lease-garbage-collector',
  'storage-readiness',
  'start-legacy-token-tracking-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-wait-for-first-sync',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
];

/** The checks in the order that `?verbose` prints them. */
export function healthChecks(storeCheck: () => Promise<void>, isStopping: () => boolean): HealthCheck[] {
  const plain = (name: string, on: HealthCheck['on'] = everywhere): HealthCheck => ({ name, on, check: always });
  return [
    plain('ping'),
    plain('log'),
    plain('loopback-serving-certificate', ['healthz', 'livez']),
    { name: 'etcd', on: ['healthz', 'livez'], check: storeCheck },
    plain('informer-sync', ['readyz']),
    ...hooks.map((name) => plain(`poststarthook/${name}`)),
    plain('autoregister-completion'),
    plain('poststarthook/apiservice-openapi-controller'),
    plain('poststarthook/apiservice-openapiv3-controller'),
    {
      name: 'shutdown',
      on: ['readyz'],
      check: () => {
        if (isStopping()) throw new Error('process is shutting down');
      },
    },
  ];
}

/** `/healthz`, `/livez`, `/readyz`, each check below them, `?verbose` and `?exclude=`. */
export function healthRoute(checks: readonly HealthCheck[]): PathRoute {
  return async (request) => {
    const match = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(request.path);
    if (match === null) return undefined;
    const endpoint = match[1] as 'healthz' | 'livez' | 'readyz';
    const mine = checks.filter(({ on }) => on.includes(endpoint));
    const single = match[2] ?? '';
    if (single !== '') {
      const check = mine.find(({ name }) => name === single);
      if (check === undefined) return textResult(404, '404 page not found\n');
      return (await passes(check)) ? textResult(200, 'ok') : textResult(500, 'internal server error: check failed\n');
    }
    const excluded = new Set(request.query.getAll('exclude'));
    const lines: string[] = [];
    let failed = false;
    for (const check of mine) {
      if (excluded.delete(check.name)) lines.push(`[+]${check.name} excluded: ok\n`);
      else if (await passes(check)) lines.push(`[+]${check.name} ok\n`);
      else {
        failed = true;
        lines.push(`[-]${check.name} failed: reason withheld\n`);
      }
    }
    if (excluded.size > 0) {
      const names = [...excluded].map((name) => `"${name}"`).join(', ');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`);
    }
    if (failed) return textResult(500, `${lines.join('')}${endpoint} check failed\n`);
    return textResult(200, request.query.has('verbose') ? `${lines.join('')}${endpoint} check passed\n` : 'ok');
  };
}

async function passes(check: HealthCheck): Promise<boolean> {
  try {
    await check.check();
    return true;
  } catch {
    // The reason is withheld from clients on purpose; the component that failed has logged it.
    return false;
  }
}
