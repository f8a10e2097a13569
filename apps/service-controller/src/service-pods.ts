import { type Pod, type Service, type ServicePort, resources } from '#api';
import { type Informer, type Watches, deepEqualSemantic, isPodReady, isPodTerminal } from '#controller';
import { type DeepReadonly, keyOf, labelsMatcher } from '#machinery';

const BY_LABEL = 'pods by namespace and label';
const BY_FIRST_TERM = 'services by namespace and first term of the selector';

/** Which pods a Service selects and which Services select a pod, without looking at all of the namespace. */
export class ServicePods {
  private constructor(
    readonly services: Informer<Service>,
    readonly pods: Informer<Pod>,
  ) {}

  /** Every Service is a key; what changes about a pod that matters leads to the Services that select it or did. */
  static watch(watches: Watches): ServicePods {
    const services = watches.primary(resources.services);
    const found: { servicePods?: ServicePods } = {};
    const pods = watches.mapped(
      resources.pods,
      (pod, old) => found.servicePods?.keysFor(pod, old) ?? [],
      changesEndpoints,
    );
    services.addIndex(BY_FIRST_TERM, ({ metadata, spec }) => {
      const [term] = Object.entries(spec?.selector ?? {});
      return term === undefined ? [] : [indexKey(metadata?.namespace, term)];
    });
    pods.addIndex(BY_LABEL, ({ metadata }) =>
      Object.entries(metadata?.labels ?? {}).map((label) => indexKey(metadata?.namespace, label)),
    );
    return (found.servicePods = new ServicePods(services, pods));
  }

  /** By name, so that what is made of them has a stable order. */
  selectedBy({ metadata, spec }: DeepReadonly<Service>): DeepReadonly<Pod>[] {
    const selector = spec?.selector ?? {};
    const [term] = Object.entries(selector);
    if (term === undefined) return [];
    const matcher = labelsMatcher(selector);
    return this.pods.lister
      .byIndex(BY_LABEL, indexKey(metadata?.namespace, term))
      .filter((pod) => matcher.matches(pod.metadata?.labels))
      .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  }

  private keysFor(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod> | undefined): Iterable<string> {
    const keys = this.keysSelecting(pod);
    if (old !== undefined && !deepEqualSemantic(old.metadata?.labels, pod.metadata?.labels))
      for (const key of this.keysSelecting(old)) keys.add(key);
    return keys;
  }

  private keysSelecting({ metadata }: DeepReadonly<Pod>): Set<string> {
    const keys = new Set<string>();
    for (const label of Object.entries(metadata?.labels ?? {})) {
      for (const service of this.services.lister.byIndex(BY_FIRST_TERM, indexKey(metadata?.namespace, label)))
        if (labelsMatcher(service.spec?.selector ?? {}).matches(metadata?.labels)) keys.add(keyOf(service));
    }
    return keys;
  }
}

/** A Service whose endpoints are pods: others have none, or have them from elsewhere. */
export function selectsPods({ spec }: DeepReadonly<Service>): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}

export function isHeadless({ spec }: DeepReadonly<Service>): boolean {
  return (spec?.clusterIP ?? '') === '' || spec?.clusterIP === 'None';
}

/** Pods that have ended, or have no address yet, are behind no Service. */
export function hasEndpoint(pod: DeepReadonly<Pod>): boolean {
  return !isPodTerminal(pod) && podIps(pod).length > 0;
}

export function podIps({ status }: DeepReadonly<Pod>): string[] {
  if (status?.podIPs !== undefined && status.podIPs.length > 0) return status.podIPs.map(({ ip }) => ip);
  return status?.podIP === undefined || status.podIP === '' ? [] : [status.podIP];
}

/** The name under which the pod is found below a headless Service. */
export function endpointHostname(
  { metadata, spec }: DeepReadonly<Pod>,
  service: DeepReadonly<Service>,
): string | undefined {
  const isNamed =
    (spec?.hostname ?? '') !== '' &&
    spec?.subdomain === service.metadata?.name &&
    metadata?.namespace === service.metadata?.namespace;
  return isNamed ? spec?.hostname : undefined;
}

/** The port number behind a port of a Service: pods may give one name to different numbers. */
export function targetPort({ spec }: DeepReadonly<Pod>, port: DeepReadonly<ServicePort>): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  // Sidecars (KEP-753) serve as well; ordinary init containers are gone by then.
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports } of [...(spec?.containers ?? []), ...sidecars]) {
    const found = ports?.find(
      ({ name, protocol }) => name === target && (protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

function changesEndpoints(pod: DeepReadonly<Pod>, old: DeepReadonly<Pod>): boolean {
  return (
    (pod.metadata?.deletionTimestamp === undefined) !== (old.metadata?.deletionTimestamp === undefined) ||
    isPodReady(pod) !== isPodReady(old) ||
    isPodTerminal(pod) !== isPodTerminal(old) ||
    pod.spec?.nodeName !== old.spec?.nodeName ||
    podIps(pod).join() !== podIps(old).join() ||
    !deepEqualSemantic(pod.metadata?.labels, old.metadata?.labels)
  );
}

function indexKey(namespace: string | undefined, [key, value]: [string, string]): string {
  return `${namespace ?? ''}/${key}=${value}`;
}
