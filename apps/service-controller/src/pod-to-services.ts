import { type Pod, resources, type Service } from '#api';
import { deepEqualSemantic, type Informer, type Watches } from '#controller';
import { type DeepReadonly, keyOf, labelsMatcher } from '#machinery';
import { hasSelector, isPodReady } from './pod-endpoint';

/** Lets pods lead to the services that select them, before and after the change. */
export function watchPods(watches: Watches, services: Informer<Service>): Informer<Pod> {
  const keysOf = (pod: DeepReadonly<Pod>): string[] => {
    const { namespace = '', labels = {} } = pod.metadata ?? {};
    return services.lister
      .list(namespace)
      .filter((service) => hasSelector(service) && labelsMatcher(service.spec?.selector ?? {}).matches(labels))
      .map((service) => keyOf(service));
  };
  return watches.mapped(
    resources.pods,
    (pod, old) => new Set([...keysOf(pod), ...(old === undefined ? [] : keysOf(old))]),
    (pod, old) => !deepEqualSemantic(facts(pod), facts(old)),
  );
}

/** What of a pod matters to endpoints. */
function facts(pod: DeepReadonly<Pod>): unknown {
  const { metadata = {}, spec, status } = pod;
  return [
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    [spec?.nodeName, spec?.hostname, spec?.subdomain, status?.phase, status?.podIP, isPodReady(pod) ? 'ready' : ''],
    status?.podIPs,
  ];
}
