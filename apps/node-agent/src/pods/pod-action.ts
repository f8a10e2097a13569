import { type ContainerKind } from './pod-containers';

export type PodAction =
  | { readonly type: 'create-sandbox'; readonly attempt: number }
  | { readonly type: 'stop-sandbox'; readonly id: string }
  | { readonly type: 'start-container'; readonly name: string; readonly kind: ContainerKind; readonly attempt: number }
  | {
      readonly type: 'stop-container';
      readonly id: string;
      readonly name: string;
      /** Text of the `Killing` event. */
      readonly message: string;
      readonly graceSeconds: number;
    };

export interface Decision {
  /** In order. Stops run in the background, starts one after the other. */
  readonly actions: readonly PodAction[];
  /** Containers that wait out a crash loop's delay, and until when. */
  readonly backingOff: ReadonlyMap<string, number>;
  /** `running`: the pod has something to do, or to wait for. `finished`: it never will again. */
  readonly state: 'running' | 'finished';
}

/** Annotation of a container with the hash of the spec that it was made from. */
export const hashAnnotation = 'io.kubernetes.container.hash';
