import { type EndpointSlice, type Node, type Service, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  type EventRecorder,
  Expectations,
  InjectConfig,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
  controllerReference,
  deepEqualSemantic,
} from '#controller';
import { type DeepReadonly, hasReason, parseKey } from '#machinery';
import { type ServiceControllerConfig } from '../identities';
import { Pace } from '../pace';
import { ServicePods, isHeadless, selectsPods } from '../service-pods';
import { TriggerTimes } from '../trigger-times';
import { annotations as annotationNames, labels as labelNames, managers } from '../well-known';
import { planSlices } from './plan-slices';
import { addressTypes, podEndpoints } from './pod-endpoints';
import { SliceIndex } from './slice-index';
import { type SliceTemplate, writeSlices } from './slice-writer';

const endpointsPerSlice = 100;
/** How often the cache is asked again whether it shows what was written; its events usually come first. */
const recheckMs = 1000;

/** Keeps the EndpointSlices of Services that select pods. Keys are Services. */
@Reconciler({ name: 'endpoint_slice', workers: 8 })
export class EndpointSliceReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly recorder: EventRecorder;
  private readonly expectations: Expectations;
  private readonly pace: Pace;
  private readonly triggerTimes = new TriggerTimes();
  private servicePods!: ServicePods;
  private slices!: SliceIndex;
  private nodes!: Lister<Node>;

  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() private readonly config: ServiceControllerConfig,
  ) {
    this.client = config.clientAs('endpointslice-controller');
    this.recorder = dependencies.recorder('endpoint-slice-controller');
    this.expectations = new Expectations(dependencies.clock);
    this.pace = new Pace(dependencies.clock, { small: 20, minimumMs: 50, msPerEndpoint: 0.1 });
  }

  watch(watches: Watches): void {
    this.servicePods = ServicePods.watch(watches);
    this.slices = new SliceIndex(watches, managers.slices);
    this.nodes = watches.mapped(resources.nodes, () => []).lister;
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const service = this.servicePods.services.lister.get(namespace, name);
    if (service === undefined) return this.forget(key); // its slices go with it: they are its dependents
    if (!selectsPods(service)) return;

    const restMs = this.pace.restBefore(key);
    if (restMs > 0) return { requeueAfterMs: restMs };
    if (!this.expectations.satisfied(key, this.slices.view(key))) return { requeueAfterMs: recheckMs };

    const pods = this.servicePods.selectedBy(service);
    const { groups, hasUnknownNodes } = podEndpoints(service, pods, (node) => this.nodes.get('', node));
    const triggerTime = this.triggerTimes.next(key, service, pods);
    const labels = sliceLabels(service);
    const existing = this.slices.of(key);
    const own = existing.filter((slice) => isOwnedBy(slice, service));
    const plan = planSlices({
      existing: own,
      groups,
      placeholders: addressTypes(service),
      limit: this.config.maxEndpointsPerSlice ?? endpointsPerSlice,
      isOutdated: ({ metadata }) => !deepEqualSemantic(metadata?.labels, labels),
    });
    const template: SliceTemplate = {
      namespace,
      serviceName: name,
      labels,
      owner: controllerReference(resources.services, service),
      annotations: (before) => withTriggerTime(before, triggerTime),
      // The garbage collector is about to remove them.
      mayCreate: service.metadata?.deletionTimestamp === undefined,
    };
    // Slices of a Service of the same name that is gone are not adopted.
    const strangers = existing.filter((slice) => !own.includes(slice));
    try {
      const remove = [...plan.remove, ...strangers];
      await writeSlices(this.client, { ...plan, remove }, template, this.expectations, key);
    } catch (error) {
      this.report(service, error);
      throw error;
    }
    this.pace.passed(key, pods.length);
    if (hasUnknownNodes) return { requeueAfterMs: recheckMs };
  }

  private forget(key: string): void {
    this.expectations.forget(key);
    this.pace.forget(key);
    this.triggerTimes.forget(key);
  }

  private report(service: DeepReadonly<Service>, error: unknown): void {
    if (hasReason(error, 'Conflict', 'NotFound')) return;
    const { namespace, name } = service.metadata ?? {};
    this.recorder.event(
      service,
      'Warning',
      'FailedToUpdateEndpointSlices',
      `Error updating Endpoint Slices for Service ${namespace}/${name}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The labels of the Service, and the three that are the controller's. */
function sliceLabels(service: DeepReadonly<Service>): Record<string, string> {
  const labels = { ...service.metadata?.labels };
  delete labels[labelNames.headless];
  return {
    ...labels,
    [labelNames.serviceName]: service.metadata?.name ?? '',
    [labelNames.sliceManagedBy]: managers.slices,
    ...(isHeadless(service) ? { [labelNames.headless]: '' } : {}),
  };
}

function isOwnedBy({ metadata }: DeepReadonly<EndpointSlice>, service: DeepReadonly<Service>): boolean {
  return metadata?.ownerReferences?.some(({ uid }) => uid === service.metadata?.uid) ?? false;
}

function withTriggerTime(
  before: DeepReadonly<Record<string, string>>,
  time: string | undefined,
): Record<string, string> {
  const annotations = { ...before };
  delete annotations[annotationNames.triggerTime];
  return time === undefined ? annotations : { ...annotations, [annotationNames.triggerTime]: time };
}
