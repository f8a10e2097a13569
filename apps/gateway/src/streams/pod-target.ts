import { type Pod, resources } from '#api';
import { type DeepReadonly, badRequest } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type Reader } from '../registry/reader';
import { type RequestInfo } from '../request/request-info';

const defaultContainer = 'kubectl.kubernetes.io/default-container';

/** Finds the pod of a streaming request. @throws NotFound */
export async function targetPod(table: ResourceTable, reader: Reader, info: RequestInfo): Promise<DeepReadonly<Pod>> {
  const pods = table.require(resources.pods);
  return (await reader.get(pods, info.namespace, info.name, '')).object;
}

/** The container that is meant: the one named, or the only one there can be. @throws BadRequest */
export function targetContainer(pod: DeepReadonly<Pod>, wanted: string): string {
  const name = pod.metadata?.name ?? '';
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const all = [...containers, ...initContainers, ...ephemeralContainers].map((container) => container.name);
  if (wanted !== '') {
    if (all.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only.name;
  const chosen = pod.metadata?.annotations?.[defaultContainer];
  if (chosen !== undefined && all.includes(chosen)) return chosen;
  const names = containers.map((container) => container.name).join(' ');
  const init = initContainers.map((container) => container.name).join(' ');
  const alternatives = init === '' ? `[${names}]` : `[${names}] or one of the init containers: [${init}]`;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: ${alternatives}`);
}
