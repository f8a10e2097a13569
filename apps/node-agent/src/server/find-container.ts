import { type ContainerStatus } from '#runtime';
import { findContainer, type PodObject, uidOf } from '../pods/pod-containers';
import { HttpFailure } from './http-failure';
import { type Parameters, type ServerDependencies } from './server-dependencies';

export function findPod({ manager }: ServerDependencies, { namespace = '', pod = '', uid }: Parameters): PodObject {
  const found = manager.find(namespace, pod)?.current;
  if (found === undefined || (uid !== undefined && uidOf(found) !== uid))
    throw new HttpFailure(404, 'pod does not exist');
  return found;
}

/** All containers of a name, newest first. */
export async function findContainers(
  dependencies: ServerDependencies,
  parameters: Parameters,
): Promise<readonly ContainerStatus[]> {
  const pod = findPod(dependencies, parameters);
  const { container = '' } = parameters;
  if (findContainer(pod, container) === undefined) {
    throw new HttpFailure(404, `container "${container}" not found in pod "${parameters.pod}"`);
  }
  const all = await dependencies.runtime.listContainers(uidOf(pod));
  return all
    .filter(({ name }) => name === container)
    .sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt);
}

/** The container of a name that runs now. */
export async function findRunning(dependencies: ServerDependencies, parameters: Parameters): Promise<ContainerStatus> {
  const [latest] = await findContainers(dependencies, parameters);
  if (latest?.state !== 'running') throw new HttpFailure(404, `container not found ("${parameters.container}")`);
  return latest;
}
