import { type EndpointSlice, resources } from '#api';
import { type ObjectClient } from '#client';
import { type Expectations } from '#controller';
import { type DeepReadonly, type OwnerReference, hasReason } from '#machinery';
import { isNamespaceTerminating } from '../namespace-terminating';
import { type SliceContent, type SlicePlan } from './plan-slices';

/** What all slices of one owner have in common. */
export interface SliceTemplate {
  readonly namespace: string;
  /** The Service: names begin with it. */
  readonly serviceName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly owner: OwnerReference;
  /** @param existing of the slice as it is */
  annotations(existing: DeepReadonly<Record<string, string>>): Record<string, string>;
  /** False: only what is there is kept up to date. */
  readonly mayCreate: boolean;
}

/** Writes a plan; rejects with the first failure when all writes have ended. Creates and updates go before deletions. */
export async function writeSlices(
  client: ObjectClient,
  { create, update, remove }: SlicePlan,
  template: SliceTemplate,
  expectations: Expectations,
  key: string,
): Promise<void> {
  const { namespace, serviceName, labels, owner } = template;
  const createSlice = async (content: SliceContent): Promise<void> => {
    try {
      const created = await client.create(resources.endpointSlices, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          namespace,
          generateName: `${serviceName}-`,
          labels,
          annotations: template.annotations({}),
          ownerReferences: [owner],
        },
        ...content,
      });
      expectations.wrote(key, created.metadata?.resourceVersion);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  };
  const updateSlice = async (slice: DeepReadonly<EndpointSlice>, content: SliceContent): Promise<void> => {
    const annotations = template.annotations(slice.metadata?.annotations ?? {});
    const metadata = { ...slice.metadata, labels, annotations };
    const updated = await client.update(resources.endpointSlices, { ...slice, ...content, metadata });
    expectations.wrote(key, updated.metadata?.resourceVersion);
  };
  const removeSlice = async ({ metadata }: DeepReadonly<EndpointSlice>): Promise<void> => {
    const { name = '', uid = '' } = metadata ?? {};
    expectations.deleting(key, uid);
    try {
      await client.delete(resources.endpointSlices, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      expectations.notDeleting(key, uid);
      if (!hasReason(error, 'NotFound')) throw error;
    }
  };
  await allSettled([
    ...(template.mayCreate ? create.map(createSlice) : []),
    ...update.map(({ slice, content }) => updateSlice(slice, content)),
  ]);
  await allSettled(remove.map(removeSlice));
}

async function allSettled(writes: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(writes)).find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
