import { type Clock } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type RbacAuthorizer } from '../authz/rbac-authorizer';
import { type AdmissionPlugin } from './admission';

export interface AdmissionDependencies {
  readonly table: ResourceTable;
  readonly clock: Clock;
  readonly random: () => number;
  readonly rbac: RbacAuthorizer;
}

/** All admission controllers in upstream's order. */
export function admissionPlugins(_deps: AdmissionDependencies): readonly AdmissionPlugin[] {
  return [];
}
