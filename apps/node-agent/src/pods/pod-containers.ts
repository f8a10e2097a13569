import { type Container, type EphemeralContainer, type Pod } from '#api';
import { type DeepReadonly } from '#machinery';

export type PodObject = DeepReadonly<Pod>;
export type ContainerSpec = DeepReadonly<Container | EphemeralContainer>;

/** A sidecar is an init container with `restartPolicy: Always` (KEP-753). */
export type ContainerKind = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface PodContainer {
  readonly spec: ContainerSpec;
  readonly kind: ContainerKind;
}

/** Every container that the pod defines: init containers and sidecars in order, then main, then ephemeral ones. */
export function containersOf(pod: PodObject): readonly PodContainer[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? { containers: [] };
  return [
    ...initContainers.map((spec): PodContainer => ({ spec, kind: isSidecar(spec) ? 'sidecar' : 'init' })),
    ...containers.map((spec): PodContainer => ({ spec, kind: 'main' })),
    ...ephemeralContainers.map((spec): PodContainer => ({ spec, kind: 'ephemeral' })),
  ];
}

export function findContainer(pod: PodObject, name: string): PodContainer | undefined {
  return containersOf(pod).find(({ spec }) => spec.name === name);
}

export function isSidecar(spec: ContainerSpec): boolean {
  return spec.restartPolicy === 'Always';
}

/** `name_namespace(uid)`: how the kubelet names a pod in messages. */
export function podText(pod: PodObject): string {
  return `${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})`;
}

export function uidOf(pod: PodObject): string {
  return pod.metadata?.uid ?? '';
}

/** `spec.containers{main}`: the part of a pod that an event is about. */
export function fieldPathOf(pod: PodObject, name: string): string {
  const list = {
    init: 'initContainers',
    sidecar: 'initContainers',
    main: 'containers',
    ephemeral: 'ephemeralContainers',
  };
  return `spec.${list[findContainer(pod, name)?.kind ?? 'main']}{${name}}`;
}
