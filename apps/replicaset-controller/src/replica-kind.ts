import { type PodTemplateSpec, type ReplicaSet, type ReplicationController, type Resource, resources } from '#api';
import {
  type DeepReadonly,
  type KubernetesObject,
  type LabelMatcher,
  labelSelectorMatcher,
  labelsMatcher,
  matchNothing,
} from '#machinery';

/** `status.conditions` of both kinds. */
export interface ReplicaCondition {
  lastTransitionTime?: string;
  message?: string;
  reason?: string;
  status: string;
  type: string;
}

/** `status` of both kinds; ReplicationControllers have no `terminatingReplicas`. */
export interface ReplicaStatus {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
  conditions?: ReplicaCondition[];
}

/** What ReplicaSets and ReplicationControllers have in common. */
export interface ReplicaOwner extends KubernetesObject {
  spec?: { minReadySeconds?: number; replicas?: number; template?: PodTemplateSpec };
  status?: ReplicaStatus;
}

/** Where they differ. */
export interface ReplicaKind<T extends ReplicaOwner> {
  readonly resource: Resource<T>;
  /** `source.component` of its events. */
  readonly component: string;
  readonly hasTerminatingReplicas: boolean;
  selector(owner: DeepReadonly<T>): LabelMatcher;
}

export const replicaSetKind: ReplicaKind<ReplicaSet> = {
  resource: resources.replicaSets,
  component: 'replicaset-controller',
  hasTerminatingReplicas: true,
  selector: ({ spec }) => labelSelectorMatcher(spec?.selector),
};

export const replicationControllerKind: ReplicaKind<ReplicationController> = {
  resource: resources.replicationControllers,
  component: 'replication-controller',
  hasTerminatingReplicas: false,
  selector: ({ spec }) => (spec?.selector === undefined ? matchNothing : labelsMatcher(spec.selector)),
};
