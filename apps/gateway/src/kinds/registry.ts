import { type ResourceDefinition } from '#api';
import { type KubernetesObject } from '#machinery';
import { cronJobs } from './batch/cron-jobs';
import { jobs } from './batch/jobs';
import { pods } from './pods/pods';
import { services } from './services/services';
import { persistentVolumeClaims } from './storage/persistent-volume-claims';
import { type ResourceStrategy } from './strategy';
import { daemonSets } from './workloads/daemon-sets';
import { deployments } from './workloads/deployments';
import { replicaSets } from './workloads/replica-sets';
import { replicationControllers } from './workloads/replication-controllers';
import { statefulSets } from './workloads/stateful-sets';

/** Forgets the kind's type: the registry calls a strategy only with objects of its own resource. */
function kind<T extends KubernetesObject>(strategy: ResourceStrategy<T>): ResourceStrategy {
  return strategy as unknown as ResourceStrategy;
}

/** Every kind that does something of its own. A kind that is not here is served by the generic registry alone. */
export const strategies: readonly ResourceStrategy[] = [
  kind(pods),
  kind(services),
  kind(persistentVolumeClaims),
  kind(replicationControllers),
  kind(deployments),
  kind(replicaSets),
  kind(statefulSets),
  kind(daemonSets),
  kind(jobs),
  kind(cronJobs),
];

const byResource = new Map(strategies.map((strategy) => [formatResource(strategy.resource), strategy]));

/** The strategy of a resource, or an empty one. */
export function strategyFor(resource: ResourceDefinition): ResourceStrategy {
  return byResource.get(formatResource(resource)) ?? { resource };
}

function formatResource(resource: ResourceDefinition): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}
