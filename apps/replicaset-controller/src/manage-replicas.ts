import { type Pod, type Resource, resources } from '#api';
import {
  type ControllerDependencies,
  type EventRecorder,
  type Expectations,
  controllerReference,
  slowStart,
} from '#controller';
import { type DeepReadonly, ApiError, hasReason } from '#machinery';
import { podsToDelete } from './pod-ranking';
import { type ReplicaKind, type ReplicaOwner } from './replica-kind';

/** At most so many creates or deletes in one pass, as upstream. */
const burstReplicas = 500;

export interface ManageReplicas<T extends ReplicaOwner> {
  readonly kind: ReplicaKind<T>;
  readonly deps: ControllerDependencies;
  readonly recorder: EventRecorder;
  readonly expectations: Expectations;
  readonly key: string;
  readonly owner: DeepReadonly<T>;
  readonly active: readonly DeepReadonly<Pod>[];
  /** Pods to spread away from; asked for only when some have to go. */
  related(): readonly DeepReadonly<Pod>[];
}

/** Creates or deletes pods until there are as many as asked for. The error is reported in the status before the pass fails. */
export async function manageReplicas<T extends ReplicaOwner>(
  input: ManageReplicas<T>,
): Promise<{ readonly error?: Error }> {
  const missing = (input.owner.spec?.replicas ?? 1) - input.active.length;
  if (missing > 0) return createPods(input, Math.min(missing, burstReplicas));
  if (missing < 0) return deletePods(input, Math.min(-missing, burstReplicas));
  return {};
}

async function createPods<T extends ReplicaOwner>(
  input: ManageReplicas<T>,
  count: number,
): Promise<{ readonly error?: Error }> {
  const { deps, recorder, expectations, key, owner, kind } = input;
  const pod = podFromTemplate(kind.resource, owner);
  const { error } = await slowStart(count, async () => {
    try {
      const created = await deps.client.create<Pod>(resources.pods, pod);
      expectations.wrote(key, created.metadata?.resourceVersion);
      recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    } catch (failure) {
      if (!isNamespaceTerminating(failure)) {
        recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(failure)}`);
      }
      throw failure;
    }
  });
  // Nothing can be done, and nothing more will be asked for.
  return error === undefined || isNamespaceTerminating(error) ? {} : { error: toError(error) };
}

async function deletePods<T extends ReplicaOwner>(
  input: ManageReplicas<T>,
  count: number,
): Promise<{ readonly error?: Error }> {
  const { deps, recorder, expectations, key, owner, active } = input;
  const doomed = podsToDelete(active, input.related(), count, deps.clock.now());
  const results = await Promise.allSettled(
    doomed.map(async ({ metadata }) => {
      const { namespace = '', name = '', uid = '' } = metadata ?? {};
      expectations.deleting(key, uid);
      try {
        await deps.client.delete(resources.pods, { namespace, name }, { preconditions: { uid } });
        recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      } catch (error) {
        expectations.notDeleting(key, uid);
        // Somebody else was faster; or the name belongs to another pod by now.
        if (hasReason(error, 'NotFound', 'Conflict')) return;
        recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
        throw error;
      }
    }),
  );
  const failure = results.find((result) => result.status === 'rejected');
  return failure === undefined ? {} : { error: toError(failure.reason) };
}

function podFromTemplate<T extends ReplicaOwner>(resource: Resource<T>, owner: DeepReadonly<T>): DeepReadonly<Pod> {
  const { metadata, spec } = owner.spec?.template ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: owner.metadata?.namespace,
      generateName: `${owner.metadata?.name}-`,
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(metadata?.finalizers === undefined ? {} : { finalizers: metadata.finalizers }),
      ownerReferences: [controllerReference(resource, owner)],
    },
    spec,
  };
}

function isNamespaceTerminating(error: unknown): boolean {
  const causes = error instanceof ApiError ? (error.status.details?.causes ?? []) : [];
  return causes.some(({ reason }) => reason === 'NamespaceTerminating');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
