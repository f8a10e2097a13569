import { badRequest } from '#machinery';
import { type SubresourceDependencies } from '../api/subresource-list';
import { type SubresourceHandler } from '../api/subresources';
import { targetContainer, targetPod } from './pod-target';

/**
 * `exec`, `attach` and `portforward` of a client that does not ask for another protocol: it learns what else is wrong first, and
 * that it has to. Those that do ask never get here.
 */
export function withoutUpgradeHandler(
  { table, reader, nodes }: SubresourceDependencies,
  needsContainer: boolean,
): SubresourceHandler {
  const refuse: SubresourceHandler['get'] = async (request, info) => {
    const pod = await targetPod(table, reader, info);
    if (needsContainer) targetContainer(pod, request.query.get('container') ?? '');
    nodes.agentOf(pod);
    throw badRequest('Upgrade request required');
  };
  return { get: refuse, create: refuse };
}
