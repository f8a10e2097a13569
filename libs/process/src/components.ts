import { users } from './identities';

/** As whom a process acts. */
export interface ComponentIdentity {
  /** Reads what its informers hold. */
  readonly readsAs: string;
  /** All users of the API that it acts as, the reader among them. */
  readonly actsAs: readonly string[];
}

/** A process with one user. */
function one(user: string): ComponentIdentity {
  return { readsAs: user, actsAs: [user] };
}

/** A process with several service accounts, whose caches hold what none of them may read alone. */
function several(...accounts: string[]): ComponentIdentity {
  return { readsAs: users.informers, actsAs: [users.informers, ...accounts.map((name) => users.controller(name))] };
}

/**
 * The processes of a cluster, and as whom each acts. A process shows a certificate of its own name (`processUser`), which has no rights
 * but to act as these, over the bus. Node agents are their nodes, and are not listed.
 */
const components: Readonly<Record<string, ComponentIdentity>> = {
  scheduler: one(users.scheduler),
  'deployment-controller': one(users.controller('deployment-controller')),
  'replicaset-controller': several('replicaset-controller', 'replication-controller'),
  'resource-controller': several(
    'resource-controller',
    'namespace-controller',
    'generic-garbage-collector',
    'pod-garbage-collector',
    'service-account-controller',
    'root-ca-cert-publisher',
    'bootstrap-signer',
    'token-cleaner',
  ),
  'node-controller': several('node-controller', 'certificate-controller', 'kubelet-serving-approver'),
  'service-controller': several(
    'service-controller',
    'endpointslice-controller',
    'endpointslicemirroring-controller',
    'endpoint-controller',
  ),
  dns: one(users.dns),
};

const PREFIX = 'nestor:';

/** Names of all components that have certificates of their own. */
export const componentNames: readonly string[] = Object.keys(components);

/** Common name of a component's certificate, and whom its connection to the bus belongs to. */
export function processUser(component: string): string {
  return `${PREFIX}${component}`;
}

/** @returns undefined if there is no such component */
export function componentIdentity(component: string): ComponentIdentity | undefined {
  return Object.hasOwn(components, component) ? components[component] : undefined;
}

/** Whom the holder of a certificate may act as on the bus; undefined if it is no component's. */
export function actsAs(user: string): readonly string[] | undefined {
  return user.startsWith(PREFIX) ? componentIdentity(user.slice(PREFIX.length))?.actsAs : undefined;
}
