import { type Deployment, type Pod, type ReplicaSet, resources } from '#api';
import {
  type ControlledIndex,
  type ControllerDependencies,
  type EventRecorder,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
  adoptOrRelease,
  deepEqualSemantic,
  indexByController,
  isPodTerminal,
} from '#controller';
import { type DeepReadonly, controllerOf, formatKey, keyOf, labelSelectorMatcher, parseKey } from '#machinery';
import { cleanableSets } from './cleanup';
import { findCondition, newCondition, reasons, withCondition } from './conditions';
import { type StatusView, countedStatus, msUntilDeadline, rolloutStatus } from './deployment-status';
import { NewReplicaSet } from './new-replica-set';
import { ReplicaSetWriter } from './replica-set-writer';
import { type DeploymentView, type Rollout, type SetView, isActive, rolloutOf, sum } from './rollout';
import { isRecreate, isScalingEvent, rollingUpdateSteps, scalingSteps } from './scaling';

/** Leads a Deployment's ReplicaSets to its template and size, one step a pass. */
@Reconciler({ name: 'deployment', workers: 8 })
export class DeploymentReconciler implements Reconciler {
  private readonly recorder: EventRecorder;
  private readonly writer: ReplicaSetWriter;
  private readonly newReplicaSet: NewReplicaSet;
  private deployments!: Lister<Deployment>;
  private replicaSets!: Lister<ReplicaSet>;
  private setsByController!: ControlledIndex<ReplicaSet>;
  private podsByController!: ControlledIndex<Pod>;

  constructor(@InjectDependencies() private readonly deps: ControllerDependencies) {
    this.recorder = deps.recorder('deployment-controller');
    this.writer = new ReplicaSetWriter(deps, this.recorder);
    this.newReplicaSet = new NewReplicaSet(deps, this.recorder, this.writer);
  }

  watch(watches: Watches): void {
    this.deployments = watches.primary(resources.deployments).lister;
    const sets = watches.owned(resources.replicaSets, resources.deployments);
    this.replicaSets = sets.lister;
    this.setsByController = indexByController(sets);
    watches.mapped(resources.replicaSets, (set) =>
      controllerOf(set) === undefined ? this.matchingDeployments(set) : [],
    );
    // Recreate waits until the last old pod is gone.
    const podGone = (pod: DeepReadonly<Pod>): void => {
      const deployment = this.deploymentOf(pod);
      if (deployment !== undefined && isRecreate(deployment)) watches.queue.add(keyOf(deployment));
    };
    const pods = watches.handler(resources.pods, {
      onDelete: podGone,
      onUpdate: (pod, old) => {
        if (isPodTerminal(pod) && !isPodTerminal(old)) podGone(pod);
      },
    });
    this.podsByController = indexByController(pods);
  }

  async reconcile(key: string): Promise<ReconcileResult | void> {
    const { namespace, name } = parseKey(key);
    const deployment = this.deployments.get(namespace, name);
    if (deployment === undefined) return;
    if (deepEqualSemantic(deployment.spec?.selector, {})) return this.refuse(deployment);

    const rollout = rolloutOf(deployment, await this.claim(deployment, namespace));
    this.notePause(rollout);
    const status = await this.advance(rollout);
    await this.writeStatus(deployment, rollout, status);
    const deadlineMs =
      deployment.spec?.paused === true ? undefined : msUntilDeadline(deployment, status, this.deps.clock.now());
    // A second on top, so that times of whole seconds do not make us look too early.
    return deadlineMs === undefined ? undefined : { requeueAfterMs: deadlineMs + 1000 };
  }

  /** Takes the next step, and says what to show for it. */
  private async advance(rollout: Rollout): Promise<StatusView> {
    const { deployment } = rollout;
    const now = (): number => this.deps.clock.now();
    if (deployment.metadata?.deletionTimestamp !== undefined) return countedStatus(rollout, now());
    if (deployment.spec?.paused === true || isScalingEvent(rollout)) {
      await this.newReplicaSet.ensure(rollout, false);
      await this.writer.scale(rollout, scalingSteps(rollout));
      await this.cleanUp(rollout);
      return countedStatus(rollout, now());
    }
    if (isRecreate(deployment)) await this.recreate(rollout);
    else await this.rollOut(rollout);
    return rolloutStatus(rollout, now());
  }

  private async rollOut(rollout: Rollout): Promise<void> {
    await this.newReplicaSet.ensure(rollout, true);
    const { newSet } = rollout;
    if (newSet === undefined) return;
    const hasScaled = await this.writer.scale(rollout, rollingUpdateSteps({ ...rollout, newSet }));
    if (!hasScaled) await this.cleanUp(rollout);
  }

  private async recreate(rollout: Rollout): Promise<void> {
    await this.newReplicaSet.ensure(rollout, false);
    const doomed = rollout.oldSets.filter(isActive).map((set) => ({ set, replicas: 0 }));
    if (await this.writer.scale(rollout, doomed)) return;
    if (this.hasOldPods(rollout)) return;
    await this.newReplicaSet.ensure(rollout, true);
    const { newSet, deployment } = rollout;
    if (newSet === undefined) return;
    const hasScaled = await this.writer.scale(rollout, [{ set: newSet, replicas: deployment.spec?.replicas ?? 1 }]);
    if (!hasScaled) await this.cleanUp(rollout);
  }

  private hasOldPods({ oldSets }: Rollout): boolean {
    if (sum(oldSets, ({ status }) => status?.replicas ?? 0) > 0) return true;
    return oldSets.some(({ metadata }) =>
      this.podsByController.controlledBy(metadata?.uid ?? '').some((pod) => !isPodTerminal(pod)),
    );
  }

  private async cleanUp(rollout: Rollout): Promise<void> {
    for (const { metadata } of cleanableSets(rollout)) {
      const { namespace = '', name = '', uid } = metadata ?? {};
      await this.deps.client.delete(resources.replicaSets, { namespace, name }, { preconditions: { uid } });
    }
  }

  /** So that a resumed rollout does not count the pause towards its deadline. */
  private notePause(rollout: Rollout): void {
    const { deployment } = rollout;
    if (deployment.spec?.progressDeadlineSeconds === undefined || deployment.metadata?.deletionTimestamp !== undefined)
      return;
    const current = findCondition(deployment.status?.conditions, 'Progressing');
    if (current?.reason === reasons.deadlineExceeded) return;
    const isNoted = current?.reason === reasons.paused;
    if ((deployment.spec.paused === true) === isNoted) return;
    const now = this.deps.clock.now();
    const condition = isNoted
      ? newCondition('Progressing', 'Unknown', reasons.resumed, 'Deployment is resumed', now)
      : newCondition('Progressing', 'Unknown', reasons.paused, 'Deployment is paused', now);
    const conditions = withCondition(deployment.status?.conditions, condition);
    rollout.deployment = { ...deployment, status: { ...deployment.status, conditions } };
  }

  private async writeStatus(stored: DeploymentView, rollout: Rollout, status: StatusView): Promise<void> {
    if (isSameStatus(stored.status, status)) return;
    const next: DeploymentView = { ...rollout.deployment, status };
    await this.deps.client.update<Deployment>(resources.deployments, next, { subresource: 'status' });
  }

  private async refuse(deployment: DeploymentView): Promise<void> {
    this.recorder.event(
      deployment,
      'Warning',
      'SelectingAll',
      'This deployment is selecting all pods. A non-empty selector is required.',
    );
    const { generation = 0 } = deployment.metadata ?? {};
    if ((deployment.status?.observedGeneration ?? 0) >= generation) return;
    const next: DeploymentView = { ...deployment, status: { ...deployment.status, observedGeneration: generation } };
    await this.deps.client.update<Deployment>(resources.deployments, next, { subresource: 'status' });
  }

  private claim(deployment: DeploymentView, namespace: string): Promise<SetView[]> {
    const selector = labelSelectorMatcher(deployment.spec?.selector);
    return adoptOrRelease<ReplicaSet, Deployment>({
      client: this.deps.client,
      owner: deployment,
      ownerResource: resources.deployments,
      resource: resources.replicaSets,
      candidates: [
        ...this.setsByController.controlledBy(deployment.metadata?.uid ?? ''),
        ...this.setsByController.orphans(namespace),
      ],
      matches: ({ metadata }) => selector.matches(metadata?.labels),
    });
  }

  private matchingDeployments(set: SetView): string[] {
    const { namespace = '', labels } = set.metadata ?? {};
    return this.deployments
      .list(namespace)
      .filter(
        ({ spec }) => !deepEqualSemantic(spec?.selector, {}) && labelSelectorMatcher(spec?.selector).matches(labels),
      )
      .map(({ metadata }) => formatKey(namespace, metadata?.name ?? ''));
  }

  private deploymentOf(pod: DeepReadonly<Pod>): DeploymentView | undefined {
    const namespace = pod.metadata?.namespace ?? '';
    const set = this.replicaSets.get(namespace, controllerOf(pod)?.name ?? '');
    const owner = set === undefined ? undefined : controllerOf(set);
    return owner?.kind === 'Deployment' ? this.deployments.get(namespace, owner.name) : undefined;
  }
}

function isSameStatus(a: StatusView | undefined, b: StatusView): boolean {
  const { conditions: conditionsOfA, ...countsOfA } = a ?? {};
  const { conditions: conditionsOfB, ...countsOfB } = b;
  const fields = new Set([...Object.keys(countsOfA), ...Object.keys(countsOfB)]) as Set<keyof typeof countsOfB>;
  // Zero and absent are the same on the wire.
  for (const field of fields) if ((countsOfA[field] ?? 0) !== (countsOfB[field] ?? 0)) return false;
  const byType = (conditions: StatusView['conditions']) =>
    Object.fromEntries((conditions ?? []).map((condition) => [condition.type, condition]));
  return deepEqualSemantic(byType(conditionsOfA), byType(conditionsOfB));
}
