import { type Deployment, resources } from '#api';
import { type ControllerDependencies, type EventRecorder, deepEqualSemantic } from '#controller';
import { type DeepReadonly, controllerOf, hasReason } from '#machinery';
import { type ConditionView, findCondition, newCondition, reasons, withCondition } from './conditions';
import { hasProgressDeadline } from './deployment-status';
import { isSameTemplate } from './pod-template';
import { type ReplicaSetWriter, replicaSetFor, sizeAnnotations } from './replica-set-writer';
import { newSetAnnotations, nextRevision, revisionAnnotation } from './revision';
import { type DeploymentView, type Rollout, type SetView } from './rollout';
import { newSetSize } from './scaling';

/** Finds or makes the set of the Deployment's template, and keeps revisions in step. */
export class NewReplicaSet {
  constructor(
    private readonly deps: ControllerDependencies,
    private readonly recorder: EventRecorder,
    private readonly writer: ReplicaSetWriter,
  ) {}

  /** Afterwards `rollout.newSet` is there, unless it was not and `mayCreate` is false. */
  async ensure(rollout: Rollout, mayCreate: boolean): Promise<void> {
    if (rollout.newSet !== undefined) await this.refresh(rollout, rollout.newSet);
    else if (mayCreate) await this.create(rollout);
    else return;
    const revision = rollout.newSet?.metadata?.annotations?.[revisionAnnotation];
    if (revision !== undefined) await this.annotate(rollout, revision);
  }

  private async refresh(rollout: Rollout, newSet: SetView): Promise<void> {
    const { deployment } = rollout;
    const annotations = newSetAnnotations(deployment, newSet, nextRevision(rollout.oldSets));
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    const isCurrent =
      deepEqualSemantic(annotations, newSet.metadata?.annotations) &&
      (newSet.spec?.minReadySeconds ?? 0) === minReadySeconds;
    if (!isCurrent) {
      rollout.newSet = await this.writer.update({
        ...newSet,
        metadata: { ...newSet.metadata, annotations },
        spec: { ...newSet.spec, selector: newSet.spec?.selector ?? {}, minReadySeconds },
      });
    }
    const hasProgress = findCondition(deployment.status?.conditions, 'Progressing') !== undefined;
    if (!hasProgressDeadline(deployment) || hasProgress) return;
    const message = `Found new replica set "${newSet.metadata?.name}"`;
    this.setProgress(rollout, 'True', reasons.foundNewReplicaSet, message);
  }

  private async create(rollout: Rollout): Promise<void> {
    const { deployment } = rollout;
    const annotations = {
      ...newSetAnnotations(deployment, undefined, nextRevision(rollout.oldSets)),
      ...sizeAnnotations(deployment),
    };
    const replicas = newSetSize(rollout);
    const wanted = replicaSetFor(deployment, annotations, replicas);
    try {
      rollout.newSet = await this.writer.create(wanted);
      if (replicas > 0) this.writer.announce(deployment, rollout.newSet, 0, replicas);
      if (hasProgressDeadline(deployment)) {
        const message = `Created new replica set "${wanted.metadata?.name}"`;
        this.setProgress(rollout, 'True', reasons.newReplicaSetCreated, message);
      }
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) rollout.newSet = await this.resolveCollision(rollout, wanted);
      else throw await this.reportFailure(rollout, wanted, error);
    }
  }

  /** Ours, from a pass that the cache does not show yet; or another template with the same hash, which needs another name. */
  private async resolveCollision(rollout: Rollout, wanted: SetView): Promise<SetView> {
    const { deployment } = rollout;
    const { namespace = '', name = '' } = wanted.metadata ?? {};
    const existing = await this.deps.client.get(resources.replicaSets, { namespace, name });
    const isOurs = controllerOf(existing)?.uid === deployment.metadata?.uid;
    if (isOurs && isSameTemplate(existing.spec?.template, deployment.spec?.template)) return existing;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await this.writeStatus(rollout, { ...deployment.status, collisionCount });
    throw new Error(
      `the hash of ${deployment.metadata?.name}'s template is taken by ${name}: collision ${collisionCount}`,
    );
  }

  private async reportFailure(rollout: Rollout, wanted: SetView, error: unknown): Promise<unknown> {
    const text = error instanceof Error ? error.message : String(error);
    const message = `Failed to create new replica set "${wanted.metadata?.name}": ${text}`;
    if (hasProgressDeadline(rollout.deployment)) {
      this.setProgress(rollout, 'False', reasons.replicaSetCreateError, message);
      await this.writeStatus(rollout, rollout.deployment.status);
    }
    this.recorder.event(rollout.deployment, 'Warning', reasons.replicaSetCreateError, message);
    return error;
  }

  /** Shows the revision on the Deployment, where `kubectl rollout history` and `undo` look for it. */
  private async annotate(rollout: Rollout, revision: string): Promise<void> {
    const { deployment } = rollout;
    if (deployment.metadata?.annotations?.[revisionAnnotation] === revision) return;
    const annotations = { ...deployment.metadata?.annotations, [revisionAnnotation]: revision };
    // Through the status, which takes annotations too: it is no change of what is wanted, and the generation stays.
    const annotated = { ...deployment, metadata: { ...deployment.metadata, annotations } };
    const updated = await this.deps.client.update<Deployment>(resources.deployments, annotated, {
      subresource: 'status',
    });
    rollout.deployment = { ...deployment, metadata: updated.metadata };
  }

  private setProgress(rollout: Rollout, status: string, reason: string, message: string): void {
    const condition: ConditionView = newCondition('Progressing', status, reason, message, this.deps.clock.now());
    const { deployment } = rollout;
    const conditions = withCondition(deployment.status?.conditions, condition);
    rollout.deployment = { ...deployment, status: { ...deployment.status, conditions } };
  }

  private async writeStatus(rollout: Rollout, status: DeploymentView['status']): Promise<void> {
    const next: DeepReadonly<Deployment> = { ...rollout.deployment, status };
    await this.deps.client.update<Deployment>(resources.deployments, next, { subresource: 'status' });
  }
}
