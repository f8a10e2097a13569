import { type PodTemplate, resources } from '#api';
import { nameColumn, tableOf } from '../common/table';
import { labelsText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { templateColumns } from './template-columns';
import { podTemplateValidation } from './replication-controller-validation';

export const podTemplates: ResourceStrategy<PodTemplate> = {
  resource: resources.podTemplates,
  ...podTemplateValidation,
  setDefaults: ({ template }) => setPodTemplateDefaults(template),
  generation: 'spec',
  returnsDeletedObject: true,
  table: tableOf(resources.podTemplates, [
    nameColumn,
    ...templateColumns<PodTemplate>(({ template }) => template, false),
    {
      name: 'Pod Labels',
      about: 'The labels for the pod template.',
      cell: ({ template }) => labelsText(template?.metadata?.labels),
    },
  ]),
};
