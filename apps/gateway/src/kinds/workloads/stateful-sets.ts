import { type PersistentVolumeClaim, type StatefulSet, resources } from '#api';
import { nameIsDnsLabel } from '../common/name-rules';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { setClaimDefaults } from '../storage/persistent-volume-claims';
import { type ResourceStrategy } from '../strategy';
import { statefulSetStatus, validateStatus } from './status-validation';
import { templateColumns } from './template-columns';
import { statefulSetValidation } from './stateful-set-validation';

export const statefulSets: ResourceStrategy<StatefulSet> = {
  resource: resources.statefulSets,
  ...statefulSetValidation,
  // Its pods' names are made of it, and are host names.
  nameRule: nameIsDnsLabel,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    // Who names the type says nothing of a partition, and gets none.
    if (!spec.updateStrategy.type) {
      spec.updateStrategy.type = 'RollingUpdate';
      spec.updateStrategy.rollingUpdate ??= {};
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate !== undefined) {
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    retention.whenDeleted ||= 'Retain';
    retention.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    setPodTemplateDefaults(spec.template);
    for (const claim of spec.volumeClaimTemplates ?? []) setTemplateDefaults(claim);
  },

  subresources: {
    status: { validateUpdate: ({ status }, old) => validateStatus(statefulSetStatus, status, old.status) },
  },
  table: tableOf(resources.statefulSets, [
    nameColumn,
    {
      name: 'Ready',
      about: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    ageColumn,
    ...templateColumns<StatefulSet>(({ spec }) => spec?.template),
  ]),
};

/** Claims in a StatefulSet are whole objects, so they say what they are. */
function setTemplateDefaults(claim: PersistentVolumeClaim): void {
  claim.apiVersion ??= 'v1';
  claim.kind ??= 'PersistentVolumeClaim';
  setClaimDefaults(claim);
}
