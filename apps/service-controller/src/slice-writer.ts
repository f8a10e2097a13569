import { type EndpointSlice, resources } from '#api';
import { type ObjectClient } from '#client';
import { deepEqualSemantic, type Expectations, type Informer } from '#controller';
import { type DeepReadonly, hasReason, type OwnerReference } from '#machinery';
import { type EndpointGroup, planSlices, type SliceContent } from './slice-plan';
import { SERVICE_NAME, SLICE_MANAGED_BY } from './well-known';

/** All slices that one controller keeps for one service. */
export interface DesiredSlices {
  readonly namespace: string;
  readonly service: string;
  readonly managedBy: string;
  readonly owner: OwnerReference;
  /** Without those that say who manages a slice and for which service. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The annotation with this name alone is no reason to write. */
  readonly passiveAnnotation?: { readonly name: string; readonly value: string | undefined };
  readonly groups: readonly EndpointGroup[];
  readonly maxEndpoints: number;
  /** Whether a service without endpoints has one slice all the same, as a sign that it has been seen. */
  readonly keepsPlaceholder: boolean;
}

/** Controllers share the informer: each has an index of its own. */
const indexOf = (managedBy: string): string => `service-controller/${managedBy}`;

/** The service that a slice belongs to, if this controller manages it. */
export function managedKeys({ metadata }: DeepReadonly<EndpointSlice>, managedBy: string): readonly string[] {
  const service = metadata?.labels?.[SERVICE_NAME];
  return service === undefined || metadata?.labels?.[SLICE_MANAGED_BY] !== managedBy
    ? []
    : [`${metadata.namespace}/${service}`];
}

/** Writes what differs between the slices of a service and what they should be. */
export class SliceWriter {
  constructor(
    private readonly client: ObjectClient,
    private readonly slices: Informer<EndpointSlice>,
    private readonly expectations: Expectations,
    private readonly managedBy: string,
  ) {
    slices.addIndex(indexOf(managedBy), (slice) => managedKeys(slice, managedBy));
  }

  /** Slices that are there and are not going. */
  existing(key: string): readonly DeepReadonly<EndpointSlice>[] {
    return this.slices.lister
      .byIndex(indexOf(this.managedBy), key)
      .filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  /** Whether the cache shows what this controller did for the key last; if not, a later change of a slice leads to it again. */
  isCurrent(key: string): boolean {
    const alive = new Set(this.existing(key).map(({ metadata }) => metadata?.uid ?? ''));
    return this.expectations.satisfied(key, {
      revision: this.slices.revision(),
      isGone: (uid) => !alive.has(uid),
    });
  }

  async write(key: string, desired: DesiredSlices): Promise<void> {
    const existing = this.existing(key);
    const v4 = existing.filter(({ addressType }) => addressType === 'IPv4');
    const plan = planSlices(v4, desired.groups, desired.maxEndpoints);
    let { create, remove } = plan;
    if (desired.keepsPlaceholder && create.length + plan.update.length + plan.keep.length === 0) {
      const placeholder = remove.find(({ endpoints, ports }) => (endpoints?.length ?? 0) + (ports?.length ?? 0) === 0);
      if (placeholder === undefined) create = [{ ports: [], endpoints: [] }];
      else {
        remove = remove.filter((slice) => slice !== placeholder);
        await this.update(key, desired, placeholder, { ports: [], endpoints: [] }, false);
      }
    }
    // What grows goes before what shrinks: no endpoint is missing in between.
    for (const content of create) await this.create(key, desired, content);
    for (const { slice, content } of plan.update) await this.update(key, desired, slice, content, true);
    for (const slice of plan.keep) {
      await this.update(
        key,
        desired,
        slice,
        { ports: [...(slice.ports ?? [])], endpoints: slice.endpoints ?? [] },
        false,
      );
    }
    const misfits = existing.filter(({ addressType }) => addressType !== 'IPv4');
    for (const slice of [...remove, ...misfits]) await this.remove(key, slice);
  }

  /** Removes all slices of a service that is gone. */
  async removeAll(key: string): Promise<void> {
    for (const slice of this.existing(key)) await this.remove(key, slice);
  }

  private async create(key: string, desired: DesiredSlices, content: SliceContent): Promise<void> {
    const prefix = `${desired.service}-`;
    const { name: passive, value } = desired.passiveAnnotation ?? {};
    const annotations = {
      ...desired.annotations,
      ...(passive !== undefined && value !== undefined ? { [passive]: value } : {}),
    };
    const created = await this.client.create(resources.endpointSlices, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: prefix,
        namespace: desired.namespace,
        labels: labelsOf(desired),
        annotations,
        ownerReferences: [desired.owner],
      },
      addressType: 'IPv4',
      endpoints: content.endpoints,
      ports: content.ports,
    });
    this.expectations.wrote(key, created.metadata?.resourceVersion);
  }

  private async update(
    key: string,
    desired: DesiredSlices,
    slice: DeepReadonly<EndpointSlice>,
    content: SliceContent,
    hasNewContent: boolean,
  ): Promise<void> {
    const { name: passive = '', value } = desired.passiveAnnotation ?? {};
    const { [passive]: oldPassive, ...oldAnnotations } = slice.metadata?.annotations ?? {};
    const others = (slice.metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== desired.owner.uid);
    const isOwned = others.length < (slice.metadata?.ownerReferences?.length ?? 0);
    const annotations = { ...oldAnnotations, ...desired.annotations };
    const labels = labelsOf(desired);
    const isSame =
      !hasNewContent &&
      isOwned &&
      deepEqualSemantic(slice.metadata?.labels, labels) &&
      deepEqualSemantic(oldAnnotations, annotations);
    if (isSame) return;
    const newPassive = hasNewContent ? value : oldPassive;
    const updated = await this.client.update(resources.endpointSlices, {
      ...slice,
      metadata: {
        ...slice.metadata,
        labels,
        annotations: { ...annotations, ...(newPassive === undefined ? {} : { [passive]: newPassive }) },
        ownerReferences: isOwned ? slice.metadata?.ownerReferences : [...others, desired.owner],
      },
      endpoints: content.endpoints,
      ports: content.ports,
    });
    this.expectations.wrote(key, updated.metadata?.resourceVersion);
  }

  private async remove(key: string, { metadata }: DeepReadonly<EndpointSlice>): Promise<void> {
    const { namespace = '', name = '', uid = '' } = metadata ?? {};
    this.expectations.deleting(key, uid);
    try {
      await this.client.delete(resources.endpointSlices, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      this.expectations.notDeleting(key, uid);
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}

function labelsOf({ labels, service, managedBy }: DesiredSlices): Record<string, string> {
  return { ...labels, [SERVICE_NAME]: service, [SLICE_MANAGED_BY]: managedBy };
}
