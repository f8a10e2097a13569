import { type DiscoveryEndpointPort, type Endpoint, type Node, type Pod, resources, type Service } from '#api';
import {
  type ControllerDependencies,
  controllerReference,
  Expectations,
  InjectConfig,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { type DeepReadonly, keyOf, labelsMatcher, parseKey } from '#machinery';
import { type ServiceControllerConfig } from '../config';
import {
  endpointHostname,
  hasSelector,
  isEndpoint,
  isHeadless,
  isPodReady,
  podAddress,
  targetPort,
} from '../pod-endpoint';
import { watchPods } from '../pod-to-services';
import { type EndpointGroup } from '../slice-plan';
import { managedKeys, SliceWriter } from '../slice-writer';
import { TriggerTimes } from '../trigger-times';
import { HEADLESS, SERVICE_NAME, SLICE_MANAGED_BY, TRIGGER_TIME, ZONE } from '../well-known';

const MANAGED_BY = 'endpointslice-controller.k8s.io';
const RESERVED_LABELS: ReadonlySet<string> = new Set([SERVICE_NAME, SLICE_MANAGED_BY, HEADLESS]);

/** Keeps the EndpointSlices of services that have a selector. The key is the service's. */
@Reconciler({ name: 'endpoint_slice', workers: 5 })
export class EndpointSliceReconciler implements Reconciler {
  private services!: Lister<Service>;
  private pods!: Lister<Pod>;
  private nodes!: Lister<Node>;
  private writer!: SliceWriter;
  private readonly expectations: Expectations;
  private readonly triggerTimes = new TriggerTimes();

  constructor(
    @InjectDependencies() deps: ControllerDependencies,
    @InjectConfig() private readonly config: ServiceControllerConfig,
  ) {
    this.expectations = new Expectations(deps.clock);
  }

  watch(watches: Watches): void {
    const services = watches.primary(resources.services);
    this.services = services.lister;
    this.pods = watchPods(watches, services).lister;
    const slices = watches.mapped(resources.endpointSlices, (slice, old) => [
      ...managedKeys(slice, MANAGED_BY),
      ...(old === undefined ? [] : managedKeys(old, MANAGED_BY)),
    ]);
    const client = this.config.clientAs('endpointslice-controller');
    this.writer = new SliceWriter(client, slices, this.expectations, MANAGED_BY);
    // Only a node's zone is of interest; pods do not move between nodes, so a change of it concerns what is on the node.
    const zoneOf = (node: DeepReadonly<Node>): string | undefined => node.metadata?.labels?.[ZONE];
    this.nodes = watches.mapped(
      resources.nodes,
      (node) =>
        zoneOf(node) === undefined
          ? []
          : this.services
              .list()
              .filter(hasSelector)
              .map((service) => keyOf(service)),
      (node, old) => zoneOf(node) !== zoneOf(old),
    ).lister;
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const service = this.services.get(namespace, name);
    if (service === undefined) {
      this.triggerTimes.forget(key);
      this.expectations.forget(key);
      return this.writer.removeAll(key);
    }
    if (!hasSelector(service) || service.metadata?.deletionTimestamp !== undefined) return;
    if (!this.writer.isCurrent(key)) return { requeueAfterMs: 1000 };

    const selector = labelsMatcher(service.spec?.selector ?? {});
    const pods = this.pods
      .list(namespace)
      .filter((pod) => selector.matches(pod.metadata?.labels ?? {}) && isEndpoint(pod, { includeTerminating: true }));
    await this.writer.write(key, {
      namespace,
      service: name,
      managedBy: MANAGED_BY,
      owner: controllerReference(resources.services, service),
      labels: labelsFor(service),
      annotations: {},
      passiveAnnotation: { name: TRIGGER_TIME, value: this.triggerTimes.next(key, service, pods) },
      groups: this.groupByPorts(service, pods),
      maxEndpoints: this.config.maxEndpointsPerSlice ?? 100,
      keepsPlaceholder: true,
    });
  }

  /** A named target port may have another number in each pod: then they cannot share a slice. */
  private groupByPorts(service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): EndpointGroup[] {
    const groups = new Map<string, { ports: DiscoveryEndpointPort[]; endpoints: Endpoint[] }>();
    for (const pod of pods) {
      const ports = portsFor(service, pod);
      const id = JSON.stringify(ports);
      const group = groups.get(id) ?? { ports, endpoints: [] };
      groups.set(id, group);
      group.endpoints.push(this.endpointFor(service, pod));
    }
    for (const { endpoints } of groups.values())
      endpoints.sort((a, b) => compare(a.targetRef?.name, b.targetRef?.name));
    return [...groups.values()];
  }

  private endpointFor(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): Endpoint {
    const serving = isPodReady(pod);
    const terminating = pod.metadata?.deletionTimestamp !== undefined;
    const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
    const { namespace, name, uid } = pod.metadata ?? {};
    const { nodeName } = pod.spec ?? {};
    const zone = nodeName === undefined ? undefined : this.nodes.get('', nodeName)?.metadata?.labels?.[ZONE];
    const hostname = endpointHostname(pod, service);
    return {
      addresses: [podAddress(pod) ?? ''],
      conditions: { ready, serving, terminating },
      ...(hostname === undefined ? {} : { hostname }),
      targetRef: { kind: 'Pod', namespace, name, uid },
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(zone === undefined || zone === '' ? {} : { zone }),
    };
  }
}

function portsFor(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): DiscoveryEndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** The service's labels, except for those that say something about slices. */
function labelsFor(service: DeepReadonly<Service>): Record<string, string> {
  const labels = Object.entries(service.metadata?.labels ?? {}).filter(([key]) => !RESERVED_LABELS.has(key));
  return { ...Object.fromEntries(labels), ...(isHeadless(service) ? { [HEADLESS]: '' } : {}) };
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
