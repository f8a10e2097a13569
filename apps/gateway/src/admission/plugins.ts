import { resources } from '#api';
import { type ResourceTable } from '../api/resource-table';
import { escalationCheck } from '../authz/escalation';
import { type RbacAuthorizer } from '../authz/rbac-authorizer';
import { type AdmissionPlugin } from './admission';
import { defaultTolerationSeconds } from './default-toleration-seconds';
import { namespaceLifecycle } from './namespace-lifecycle';
import { priorityAdmission } from './priority';
import { serviceAccountAdmission } from './service-account';
import { taintNodesByCondition } from './taint-nodes-by-condition';

export interface AdmissionDependencies {
  readonly table: ResourceTable;
  readonly random: () => number;
  readonly rbac: RbacAuthorizer;
}

/** All admission controllers in upstream's order. */
export function admissionPlugins({ table, random, rbac }: AdmissionDependencies): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle(table.require(resources.namespaces)),
    serviceAccountAdmission(table.require(resources.serviceAccounts), random),
    taintNodesByCondition,
    priorityAdmission(table.require(resources.priorityClasses)),
    defaultTolerationSeconds,
    escalationCheck(rbac),
  ];
}
