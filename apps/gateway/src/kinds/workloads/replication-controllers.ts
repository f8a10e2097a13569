import { type ReplicationController, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { labelsText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { replicaSetStatus, validateStatus } from './status-validation';
import { templateColumns } from './template-columns';
import { replicationControllerValidation } from './replication-controller-validation';

export const replicationControllers: ResourceStrategy<ReplicationController> = {
  resource: resources.replicationControllers,
  ...replicationControllerValidation,

  setDefaults(controller) {
    const { spec } = controller;
    if (spec === undefined) return;
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      const metadata = (controller.metadata ??= {});
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    spec.replicas ??= 1;
    setPodTemplateDefaults(spec.template);
  },

  fieldSelectors: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  // Clients from before garbage collection deleted the pods themselves, or meant to keep them.
  defaultPropagation: 'orphan',

  subresources: {
    status: { validateUpdate: ({ status }, old) => validateStatus(replicaSetStatus, status, old.status) },
  },
  table: tableOf(resources.replicationControllers, [
    nameColumn,
    { name: 'Desired', type: 'integer', about: '.spec.replicas', cell: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Current', type: 'integer', about: '.status.replicas', cell: ({ status }) => status?.replicas ?? 0 },
    {
      name: 'Ready',
      type: 'integer',
      about: '.status.readyReplicas',
      cell: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<ReplicationController>(({ spec }) => spec?.template),
    { name: 'Selector', wide: true, about: '.spec.selector', cell: ({ spec }) => labelsText(spec?.selector) },
  ]),
};
