import { type Endpoints, type Service, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  type EventRecorder,
  Expectations,
  InjectConfig,
  InjectDependencies,
  type Informer,
  type ReconcileResult,
  Reconciler,
  type Watches,
  deepEqualSemantic,
} from '#controller';
import { type DeepReadonly, hasReason, keyOf, parseKey } from '#machinery';
import { type ServiceControllerConfig } from '../identities';
import { isNamespaceTerminating } from '../namespace-terminating';
import { Pace } from '../pace';
import { ServicePods, isHeadless, selectsPods } from '../service-pods';
import { TriggerTimes } from '../trigger-times';
import { annotations as annotationNames, labels as labelNames, managers } from '../well-known';
import { truncateSubsets } from './repack-subsets';
import { subsetsOf } from './subsets';

const recheckMs = 1000;

/** Keeps the (deprecated) Endpoints of Services that select pods. Keys are Services; Endpoints have the same names. */
@Reconciler({ name: 'endpoint', workers: 8 })
export class EndpointsReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly recorder: EventRecorder;
  private readonly expectations: Expectations;
  private readonly pace: Pace;
  private readonly triggerTimes = new TriggerTimes();
  /** Services whose deletion was seen: their Endpoints go too, whoever made them. */
  private readonly gone = new Set<string>();
  private servicePods!: ServicePods;
  private endpoints!: Informer<Endpoints>;

  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() config: ServiceControllerConfig,
  ) {
    this.client = config.clientAs('endpoint-controller');
    this.recorder = dependencies.recorder('endpoint-controller');
    this.expectations = new Expectations(dependencies.clock);
    // One object holds all addresses, and nothing that is in a hurry reads it.
    this.pace = new Pace(dependencies.clock, { small: 20, minimumMs: 50, msPerEndpoint: 1 });
  }

  watch(watches: Watches): void {
    this.servicePods = ServicePods.watch(watches);
    watches.handler(resources.services, {
      onDelete: (service) => {
        this.gone.add(keyOf(service));
        watches.queue.add(keyOf(service));
      },
    });
    this.endpoints = watches.mapped(resources.endpoints, (endpoints) => [keyOf(endpoints)]);
  }

  /** What went while another led is found by its label, as after a start. */
  lead(): void {
    this.gone.clear();
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const service = this.servicePods.services.lister.get(namespace, name);
    if (service === undefined) return this.removeLeftover(key);
    this.gone.delete(key);
    if (!selectsPods(service)) return;

    const restMs = this.pace.restBefore(key);
    if (restMs > 0) return { requeueAfterMs: restMs };
    const view = { revision: this.endpoints.revision(), isGone: () => true };
    if (!this.expectations.satisfied(key, view)) return { requeueAfterMs: recheckMs };

    const pods = this.servicePods.selectedBy(service);
    const triggerTime = this.triggerTimes.next(key, service, pods);
    const current = this.endpoints.lister.get(namespace, name);
    const desired = desiredEndpoints(service, current, truncateSubsets(subsetsOf(service, pods)));
    this.pace.passed(key, pods.length);
    if (
      current !== undefined &&
      deepEqualSemantic(current.subsets, desired.subsets) &&
      deepEqualSemantic(current.metadata?.labels, desired.metadata?.labels) &&
      overCapacityOf(current) === overCapacityOf(desired)
    )
      return;
    await this.write(key, service, withTriggerTime(desired, triggerTime), current === undefined);
  }

  private async write(
    key: string,
    service: DeepReadonly<Service>,
    endpoints: Endpoints,
    isNew: boolean,
  ): Promise<void> {
    try {
      const written = isNew
        ? await this.client.create(resources.endpoints, endpoints)
        : await this.client.update(resources.endpoints, endpoints);
      this.expectations.wrote(key, written.metadata?.resourceVersion);
    } catch (error) {
      if (isNew && isNamespaceTerminating(error)) return;
      if (!hasReason(error, 'Conflict', 'NotFound', 'AlreadyExists')) {
        const text = error instanceof Error ? error.message : String(error);
        const { namespace, name } = service.metadata ?? {};
        if (isNew) {
          const message = `Failed to create endpoint for service ${namespace}/${name}: ${text}`;
          this.recorder.event(endpoints, 'Warning', 'FailedToCreateEndpoint', message);
        } else {
          const message = `Failed to update endpoint ${namespace}/${name}: ${text}`;
          this.recorder.event(endpoints, 'Warning', 'FailedToUpdateEndpoint', message);
        }
      }
      throw error;
    }
  }

  /** Endpoints have no owner reference: they are removed by name. A person's that wait for their Service stay. */
  private async removeLeftover(key: string): Promise<void> {
    const { namespace, name } = parseKey(key);
    const leftover = this.endpoints.lister.get(namespace, name);
    const isOurs = leftover?.metadata?.labels?.[labelNames.endpointsManagedBy] === managers.endpoints;
    if (leftover !== undefined && (isOurs || this.gone.has(key))) {
      try {
        const { uid } = leftover.metadata ?? {};
        await this.client.delete(resources.endpoints, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
      }
    }
    this.gone.delete(key);
    this.expectations.forget(key);
    this.pace.forget(key);
    this.triggerTimes.forget(key);
  }
}

function desiredEndpoints(
  service: DeepReadonly<Service>,
  current: DeepReadonly<Endpoints> | undefined,
  { subsets, isTruncated }: ReturnType<typeof truncateSubsets>,
): Endpoints {
  const { namespace, name, labels: serviceLabels } = service.metadata ?? {};
  const labels: Record<string, string> = { ...serviceLabels, [labelNames.endpointsManagedBy]: managers.endpoints };
  if (isHeadless(service)) labels[labelNames.headless] = '';
  else delete labels[labelNames.headless];
  const annotations = { ...current?.metadata?.annotations };
  delete annotations[annotationNames.overCapacity];
  if (isTruncated) annotations[annotationNames.overCapacity] = 'truncated';
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...(current?.metadata as Endpoints['metadata']), namespace, name, labels, annotations },
    subsets,
  };
}

function overCapacityOf({ metadata }: DeepReadonly<Endpoints>): string | undefined {
  return metadata?.annotations?.[annotationNames.overCapacity];
}

function withTriggerTime(endpoints: Endpoints, time: string | undefined): Endpoints {
  const annotations = { ...endpoints.metadata?.annotations };
  delete annotations[annotationNames.triggerTime];
  if (time !== undefined) annotations[annotationNames.triggerTime] = time;
  return { ...endpoints, metadata: { ...endpoints.metadata, annotations } };
}
