import {
  type Endpoint,
  type EndpointAddress,
  type Endpoints,
  type EndpointSubset,
  resources,
  type Service,
} from '#api';
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
import { type DeepReadonly, parseKey } from '#machinery';
import { isIpv4 } from '#network';
import { type ServiceControllerConfig } from '../config';
import { type EndpointGroup } from '../slice-plan';
import { managedKeys, SliceWriter } from '../slice-writer';
import {
  ENDPOINTS_MANAGED_BY,
  HEADLESS,
  LAST_APPLIED,
  LEADER,
  SERVICE_NAME,
  SKIP_MIRROR,
  SLICE_MANAGED_BY,
  TRIGGER_TIME,
} from '../well-known';

const MANAGED_BY = 'endpointslicemirroring-controller.k8s.io';
/** `--mirroring-max-endpoints-per-subset`: what one Endpoints object may hold. */
const MAX_PER_SUBSET = 1000;
const OWN_LABELS: ReadonlySet<string> = new Set([
  SERVICE_NAME,
  SLICE_MANAGED_BY,
  ENDPOINTS_MANAGED_BY,
  HEADLESS,
  SKIP_MIRROR,
]);
const OWN_ANNOTATIONS: ReadonlySet<string> = new Set([TRIGGER_TIME, LAST_APPLIED]);

/**
 * Copies Endpoints that people wrote for services without a selector into EndpointSlices, which is all that proxies and DNS
 * read. The key is that of the Endpoints and the service.
 */
@Reconciler({ name: 'endpoint_slice_mirroring', workers: 5 })
export class MirroringReconciler implements Reconciler {
  private services!: Lister<Service>;
  private endpoints!: Lister<Endpoints>;
  private writer!: SliceWriter;
  private readonly expectations: Expectations;

  constructor(
    @InjectDependencies() deps: ControllerDependencies,
    @InjectConfig() private readonly config: ServiceControllerConfig,
  ) {
    this.expectations = new Expectations(deps.clock);
  }

  watch(watches: Watches): void {
    this.endpoints = watches.primary(resources.endpoints).lister;
    this.services = watches.primary(resources.services).lister;
    const slices = watches.mapped(resources.endpointSlices, (slice) => managedKeys(slice, MANAGED_BY));
    const client = this.config.clientAs('endpointslicemirroring-controller');
    this.writer = new SliceWriter(client, slices, this.expectations, MANAGED_BY);
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const endpoints = this.endpoints.get(namespace, name);
    const service = this.services.get(namespace, name);
    if (endpoints === undefined || service === undefined || !isMirrored(endpoints, service))
      return this.writer.removeAll(key);
    if (!this.writer.isCurrent(key)) return { requeueAfterMs: 1000 };
    await this.writer.write(key, {
      namespace,
      service: name,
      managedBy: MANAGED_BY,
      owner: controllerReference(resources.endpoints, endpoints),
      labels: without(endpoints.metadata?.labels, OWN_LABELS),
      annotations: without(endpoints.metadata?.annotations, OWN_ANNOTATIONS),
      groups: (endpoints.subsets ?? []).map(groupOf).filter((group) => group.endpoints.length > 0),
      maxEndpoints: MAX_PER_SUBSET,
      keepsPlaceholder: false,
    });
  }
}

function isMirrored({ metadata }: DeepReadonly<Endpoints>, { spec }: DeepReadonly<Service>): boolean {
  return (
    metadata?.labels?.[SKIP_MIRROR] !== 'true' &&
    metadata?.annotations?.[LEADER] === undefined &&
    metadata?.deletionTimestamp === undefined &&
    Object.keys(spec?.selector ?? {}).length === 0
  );
}

function groupOf({ addresses = [], notReadyAddresses = [], ports = [] }: DeepReadonly<EndpointSubset>): EndpointGroup {
  const endpoint = (
    { ip, hostname, nodeName, targetRef }: DeepReadonly<EndpointAddress>,
    ready: boolean,
  ): DeepReadonly<Endpoint> => ({
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  });
  return {
    ports: ports.map(({ name = '', protocol = 'TCP', port, appProtocol }) => ({
      ...{ name, protocol, port },
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
    endpoints: [
      ...addresses.map((address) => endpoint(address, true)),
      ...notReadyAddresses.map((address) => endpoint(address, false)),
    ]
      .filter(({ addresses: [ip = ''] }) => isIpv4(ip))
      .slice(0, MAX_PER_SUBSET),
  };
}

function without(all: Readonly<Record<string, string>> = {}, keys: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => !keys.has(key)));
}
