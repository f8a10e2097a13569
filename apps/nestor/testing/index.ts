/**
 * `nestor/testing`: a cluster in a test. See docs/testing.md.
 *
 * ```ts
 * const cluster = await Cluster.start({ nodes: 2 });
 * await cluster.apply(yaml);
 * await cluster.waitFor('deployment/web', 'Available');
 * await cluster.advance('10m');
 * await cluster.stop();
 * ```
 */
import { loadHost } from './load-host';
import { type HostModule } from './contract';

export { ApiError, hasReason, type Clock, type DeepReadonly, type KubernetesObject, type Timer } from '#machinery';
export { type ObjectClient } from '#client';
export { type Resource } from '#api';
export type * from '#api/types';
export { Cluster, type ClusterOptions, type WaitOptions } from './cluster';
export { type ObjectRef } from './object-ref';

/** The built-in resources, typed: `cluster.client.get(resources.deployments, { namespace: 'default', name: 'web' })`. */
export const resources: HostModule['resources'] = loadHost().resources;
