import { type Deployment, resources } from '#api';
import { jsonEquals } from '#machinery';
import { keepFields } from '../common/status';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { selectorText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { deploymentStatus, validateStatus } from './status-validation';
import { templateColumns } from './template-columns';
import { deploymentValidation } from './deployment-validation';

const QUARTER = '25%';

export const deployments: ResourceStrategy<Deployment> = {
  resource: resources.deployments,
  ...deploymentValidation,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      const rolling = (spec.strategy.rollingUpdate ??= {});
      rolling.maxUnavailable ??= QUARTER;
      rolling.maxSurge ??= QUARTER;
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    setPodTemplateDefaults(spec.template);
  },

  // Annotations have counted since the revision was one of them.
  generation: (deployment, old) =>
    !jsonEquals(deployment.spec, old.spec) ||
    !jsonEquals(deployment.metadata?.annotations ?? {}, old.metadata?.annotations ?? {}),
  subresources: {
    status: {
      prepareForUpdate: (object, old) => keepFields(object, old, ['labels']),
      validateUpdate: ({ status }, old) => validateStatus(deploymentStatus, status, old.status),
    },
  },
  resetFields: { '': ['status'], status: ['spec', 'metadata.labels'] },

  table: tableOf(resources.deployments, [
    nameColumn,
    {
      name: 'Ready',
      about: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    { name: 'Up-to-date', about: '.status.updatedReplicas', cell: ({ status }) => status?.updatedReplicas ?? 0 },
    { name: 'Available', about: '.status.availableReplicas', cell: ({ status }) => status?.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns<Deployment>(({ spec }) => spec?.template),
    { name: 'Selector', wide: true, about: '.spec.selector', cell: ({ spec }) => selectorText(spec?.selector) },
  ]),
};
