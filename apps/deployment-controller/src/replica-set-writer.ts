import { type ReplicaSet, resources } from '#api';
import { type ControllerDependencies, type EventRecorder, controllerReference } from '#controller';
import { type DeepReadonly } from '#machinery';
import { hashLabel, templateHash } from './pod-template';
import { desiredAnnotation, maxAnnotation } from './revision';
import { type DeploymentView, type Rollout, type SetView, desiredReplicas, sizeOf } from './rollout';
import { type ScaleStep, fenceposts } from './scaling';

/** Writes sizes, conditional on the versions that the decision was made on, and says so. */
export class ReplicaSetWriter {
  constructor(
    private readonly deps: ControllerDependencies,
    private readonly recorder: EventRecorder,
  ) {}

  /** True if a size has changed. The sets in `rollout` are replaced by what was written. */
  async scale(rollout: Rollout, steps: readonly ScaleStep[]): Promise<boolean> {
    let hasScaled = false;
    for (const { set, replicas } of steps) {
      const annotations = { ...set.metadata?.annotations, ...sizeAnnotations(rollout.deployment) };
      const before = sizeOf(set);
      const isAnnotated =
        set.metadata?.annotations?.[desiredAnnotation] === annotations[desiredAnnotation] &&
        set.metadata?.annotations?.[maxAnnotation] === annotations[maxAnnotation];
      if (before === replicas && isAnnotated) continue;
      const written = await this.update({
        ...set,
        metadata: { ...set.metadata, annotations },
        spec: { ...set.spec, selector: set.spec?.selector ?? {}, replicas },
      });
      replaceSet(rollout, set, written);
      if (before === replicas) continue;
      hasScaled = true;
      this.announce(rollout.deployment, written, before, replicas);
    }
    return hasScaled;
  }

  update(set: SetView): Promise<SetView> {
    return this.deps.client.update<ReplicaSet>(resources.replicaSets, set);
  }

  create(set: SetView): Promise<SetView> {
    return this.deps.client.create<ReplicaSet>(resources.replicaSets, set);
  }

  announce(deployment: DeploymentView, set: SetView, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    const text = `Scaled ${direction} replica set ${set.metadata?.name} from ${from} to ${to}`;
    this.recorder.event(deployment, 'Normal', 'ScalingReplicaSet', text);
  }
}

/** What lets a later pass tell scaling from rolling, and scale in proportion. */
export function sizeAnnotations(deployment: DeploymentView): Record<string, string> {
  const replicas = desiredReplicas(deployment);
  return {
    [desiredAnnotation]: String(replicas),
    [maxAnnotation]: String(replicas + fenceposts(deployment).maxSurge),
  };
}

/** A set for the Deployment's template: named, labelled and selecting by the template's hash. */
export function replicaSetFor(
  deployment: DeploymentView,
  annotations: Readonly<Record<string, string>>,
  replicas: number,
): DeepReadonly<ReplicaSet> {
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      namespace: deployment.metadata?.namespace,
      name: `${deployment.metadata?.name}-${hash}`,
      labels,
      annotations,
      ownerReferences: [controllerReference(resources.deployments, deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}

function replaceSet(rollout: Rollout, old: SetView, written: SetView): void {
  if (rollout.newSet === old) rollout.newSet = written;
  rollout.oldSets = rollout.oldSets.map((set) => (set === old ? written : set));
}
