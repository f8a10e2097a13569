import { type Resource, resources } from '#api';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type Authorizer } from '../authz/attributes';
import { escalationCheck } from '../authz/escalation';
import { type RbacAuthorizer } from '../authz/rbac-authorizer';
import { type Reader } from '../registry/reader';
import { type AdmissionPlugin, type LookUp } from './admission';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
} from './certificates/certificate-requests';
import { defaultTolerationSeconds } from './default-toleration-seconds';
import { namespaceLifecycle } from './namespace-lifecycle';
import { nodeRestriction } from './node-restriction/node-restriction';
import { priorityAdmission } from './priority';
import { runtimeClassAdmission } from './runtime-class';
import { serviceAccountAdmission } from './service-account';
import { taintNodesByCondition } from './taint-nodes-by-condition';

export interface AdmissionDependencies {
  readonly table: ResourceTable;
  readonly random: () => number;
  readonly rbac: RbacAuthorizer;
  readonly authorizer: Authorizer;
  readonly reader: Reader;
}

/** All admission controllers in upstream's order. */
export function admissionPlugins({
  table,
  random,
  rbac,
  authorizer,
  reader,
}: AdmissionDependencies): readonly AdmissionPlugin[] {
  const find = <T extends KubernetesObject>(definition: Resource<T>) => {
    const resource = table.require(definition);
    return (namespace: string, name: string): DeepReadonly<T> | undefined =>
      resource.cache.get(resource.key(namespace, name))?.object as DeepReadonly<T> | undefined;
  };
  const lookUp = <T extends KubernetesObject>(definition: Resource<T>): LookUp<T> => {
    const cached = find(definition);
    return (namespace, name) =>
      cached(namespace, name) ??
      reader
        .find(table.require(definition), namespace, name)
        .then((found) => found?.object as DeepReadonly<T> | undefined);
  };
  const node = find(resources.nodes);
  const volume = find(resources.persistentVolumes);
  const csiDriver = find(resources.csiDrivers);
  return [
    namespaceLifecycle(table.require(resources.namespaces).groupResource, lookUp(resources.namespaces)),
    serviceAccountAdmission(lookUp(resources.serviceAccounts), random),
    nodeRestriction({
      authorizer,
      pod: find(resources.pods),
      claim: find(resources.persistentVolumeClaims),
      node: (name) => node('', name),
      volume: (name) => volume('', name),
      csiDriver: (name) => csiDriver('', name),
    }),
    taintNodesByCondition,
    priorityAdmission(table.require(resources.priorityClasses)),
    defaultTolerationSeconds,
    runtimeClassAdmission(lookUp(resources.runtimeClasses)),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    escalationCheck(rbac),
  ];
}
