import { type HealthCheck, answerHealth } from '#telemetry';
import { type PathRoute } from './paths';
import { textResult } from '../request/api-result';

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
  return async ({ path, query }) => {
    const answer = await answerHealth(checks, path, query);
    return answer === undefined ? undefined : textResult(answer.status, answer.text);
  };
}
