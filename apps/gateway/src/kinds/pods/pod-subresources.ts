import { type Container, type Pod } from '#api';
import { type DeepReadonly } from '#machinery';
import { keepEverything } from '../common/status';

/** `pods/ephemeralcontainers` changes those containers and nothing else. */
export function keepAllButEphemeralContainers(pod: Pod, old: DeepReadonly<Pod>): void {
  const wanted = pod.spec?.ephemeralContainers;
  keepEverything(pod, old);
  const { ephemeralContainers: _old, ...spec } = old.spec as NonNullable<Pod['spec']>;
  pod.spec = wanted === undefined ? spec : { ...spec, ephemeralContainers: wanted };
}

/** `pods/resize` changes the resources of containers, and what a change of them does, and nothing else. */
export function keepAllButResources(pod: Pod, old: DeepReadonly<Pod>): void {
  const { containers = [], initContainers = [], resources } = pod.spec ?? {};
  keepEverything(pod, old);
  const spec = { ...(old.spec as NonNullable<Pod['spec']>) };
  spec.containers = spec.containers.map((container) => resized(container, containers));
  if (spec.initContainers !== undefined) {
    spec.initContainers = spec.initContainers.map((container) =>
      container.restartPolicy === 'Always' ? resized(container, initContainers) : container,
    );
  }
  if (resources !== undefined) spec.resources = resources;
  pod.spec = spec;
}

function resized(container: Container, wanted: readonly Container[]): Container {
  const change = wanted.find(({ name }) => name === container.name);
  if (change === undefined) return container;
  const { resources: _resources, resizePolicy: _resizePolicy, ...rest } = container;
  return {
    ...rest,
    ...(change.resources === undefined ? {} : { resources: change.resources }),
    ...(change.resizePolicy === undefined ? {} : { resizePolicy: change.resizePolicy }),
  };
}
