import { type Endpoints, type Service, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
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
import { type DeepReadonly, parseKey } from '#machinery';
import { type ServiceControllerConfig } from '../identities';
import { planSlices } from '../slices/plan-slices';
import { SliceIndex } from '../slices/slice-index';
import { type SliceTemplate, writeSlices } from '../slices/slice-writer';
import { annotations as annotationNames, labels as labelNames, managers } from '../well-known';
import { mirroredGroups, mirroredPerSubset } from './mirrored-groups';

const recheckMs = 1000;

/**
 * Copies Endpoints that people write for Services without a selector into slices, since proxies read nothing else
 * (KEP-752). Keys are Endpoints, which have their Service's name.
 */
@Reconciler({ name: 'endpoint_slice_mirroring', workers: 4 })
export class EndpointSliceMirroringReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly expectations: Expectations;
  private services!: Lister<Service>;
  private endpoints!: Lister<Endpoints>;
  private slices!: SliceIndex;

  constructor(
    @InjectDependencies() { clock }: ControllerDependencies,
    @InjectConfig() config: ServiceControllerConfig,
  ) {
    this.client = config.clientAs('endpointslicemirroring-controller');
    this.expectations = new Expectations(clock);
  }

  watch(watches: Watches): void {
    this.services = watches.primary(resources.services).lister;
    this.endpoints = watches.primary(resources.endpoints).lister;
    this.slices = new SliceIndex(watches, managers.mirroring);
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const service = this.services.get(namespace, name);
    const endpoints = this.endpoints.get(namespace, name);
    const existing = this.slices.of(key);
    const source = isMirrored(service, endpoints) ? endpoints : undefined;
    if (source === undefined && existing.length === 0) return this.expectations.forget(key);
    if (!this.expectations.satisfied(key, this.slices.view(key))) return { requeueAfterMs: recheckMs };

    const template = templateFor(namespace, name, source);
    const plan = planSlices({
      existing,
      groups: source === undefined ? [] : mirroredGroups(source),
      placeholders: [],
      limit: mirroredPerSubset,
      isOutdated: ({ metadata }) =>
        !deepEqualSemantic(metadata?.labels, template.labels) ||
        !deepEqualSemantic(metadata?.annotations, template.annotations({})),
    });
    await writeSlices(this.client, plan, template, this.expectations, key);
  }
}

function isMirrored(
  service: DeepReadonly<Service> | undefined,
  endpoints: DeepReadonly<Endpoints> | undefined,
): boolean {
  return (
    service !== undefined &&
    endpoints !== undefined &&
    endpoints.metadata?.deletionTimestamp === undefined &&
    Object.keys(service.spec?.selector ?? {}).length === 0 &&
    endpoints.metadata?.labels?.[labelNames.skipMirror] !== 'true' &&
    endpoints.metadata?.annotations?.[annotationNames.leader] === undefined
  );
}

function templateFor(namespace: string, name: string, source: DeepReadonly<Endpoints> | undefined): SliceTemplate {
  const {
    [annotationNames.triggerTime]: _time,
    [annotationNames.lastApplied]: _applied,
    ...annotations
  } = source?.metadata?.annotations ?? {};
  return {
    namespace,
    serviceName: name,
    labels: {
      ...source?.metadata?.labels,
      [labelNames.serviceName]: name,
      [labelNames.sliceManagedBy]: managers.mirroring,
    },
    owner: controllerReference(resources.endpoints, source ?? {}),
    annotations: () => annotations,
    mayCreate: source !== undefined,
  };
}
