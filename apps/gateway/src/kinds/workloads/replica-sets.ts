import { type ReplicaSet, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { selectorText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { replicaSetStatus, validateStatus } from './status-validation';
import { templateColumns } from './template-columns';
import { replicaSetValidation } from './deployment-validation';

export const replicaSets: ResourceStrategy<ReplicaSet> = {
  resource: resources.replicaSets,
  ...replicaSetValidation,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.replicas ??= 1;
    setPodTemplateDefaults(spec.template);
  },

  subresources: {
    status: { validateUpdate: ({ status }, old) => validateStatus(replicaSetStatus, status, old.status) },
  },
  table: tableOf(resources.replicaSets, [
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
    ...templateColumns<ReplicaSet>(({ spec }) => spec?.template),
    { name: 'Selector', wide: true, about: '.spec.selector', cell: ({ spec }) => selectorText(spec?.selector) },
  ]),
};
