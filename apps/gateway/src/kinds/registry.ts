import { type ResourceDefinition } from '#api';
import { type KubernetesObject } from '#machinery';
import { type ResourceStrategy } from './strategy';

/** Forgets the kind's type: the registry calls a strategy only with objects of its own resource. */
export function kind<T extends KubernetesObject>(strategy: ResourceStrategy<T>): ResourceStrategy {
  return strategy as unknown as ResourceStrategy;
}

/** Every kind that does something of its own. A kind that is not here is served by the generic registry alone. */
export const strategies: readonly ResourceStrategy[] = [
  // kind(pods), …
];

const byResource = new Map(strategies.map((strategy) => [formatResource(strategy.resource), strategy]));

/** The strategy of a resource, or an empty one. */
export function strategyFor(resource: ResourceDefinition): ResourceStrategy {
  return byResource.get(formatResource(resource)) ?? { resource };
}

function formatResource(resource: ResourceDefinition): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}
