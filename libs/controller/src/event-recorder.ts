import { type DeepReadonly, type KubernetesObject } from '#machinery';

/** Writes `v1.Event` objects about an object, aggregated and rate limited as upstream's EventRecorder does. Never rejects, never blocks. */
export interface EventRecorder {
  /** @param fieldPath the part of the object that it is about, `spec.containers{main}` */
  event(
    about: DeepReadonly<KubernetesObject>,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    fieldPath?: string,
  ): void;
}
