import { type DaemonSet, resources } from '#api';
import { jsonEquals } from '#machinery';
import { type Column, ageColumn, nameColumn, tableOf } from '../common/table';
import { labelsText, selectorText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { daemonSetStatus, validateStatus } from './status-validation';
import { templateColumns } from './template-columns';
import { daemonSetValidation } from './daemon-set-validation';

type Count =
  'desiredNumberScheduled' | 'currentNumberScheduled' | 'numberReady' | 'updatedNumberScheduled' | 'numberAvailable';

function count(name: string, field: Count): Column<DaemonSet> {
  return { name, type: 'integer', about: `.status.${field}`, cell: ({ status }) => status?.[field] ?? 0 };
}

/** Once a field, kept for clients of its time. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

function countTemplates(set: DaemonSet, generation: number): void {
  ((set.metadata ??= {}).annotations ??= {})[TEMPLATE_GENERATION] = String(generation);
}

export const daemonSets: ResourceStrategy<DaemonSet> = {
  resource: resources.daemonSets,
  ...daemonSetValidation,

  setDefaults(set) {
    const { spec } = set;
    if (spec === undefined) return;
    ((set.metadata ??= {}).annotations ??= {})[TEMPLATE_GENERATION] ??= '0';
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      const rolling = (spec.updateStrategy.rollingUpdate ??= {});
      rolling.maxUnavailable ??= 1;
      rolling.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    setPodTemplateDefaults(spec.template);
  },

  prepareForCreate(set) {
    countTemplates(set, 1);
  },

  prepareForUpdate(set, old) {
    const before = Number(old.metadata?.annotations?.[TEMPLATE_GENERATION] ?? 0);
    countTemplates(set, jsonEquals(set.spec?.template, old.spec?.template) ? before : before + 1);
  },

  subresources: {
    status: { validateUpdate: ({ status }, old) => validateStatus(daemonSetStatus, status, old.status) },
  },
  table: tableOf(resources.daemonSets, [
    nameColumn,
    count('Desired', 'desiredNumberScheduled'),
    count('Current', 'currentNumberScheduled'),
    count('Ready', 'numberReady'),
    count('Up-to-date', 'updatedNumberScheduled'),
    count('Available', 'numberAvailable'),
    {
      name: 'Node Selector',
      about: '.spec.template.spec.nodeSelector',
      cell: ({ spec }) => labelsText(spec?.template.spec?.nodeSelector),
    },
    ageColumn,
    ...templateColumns<DaemonSet>(({ spec }) => spec?.template),
    { name: 'Selector', wide: true, about: '.spec.selector', cell: ({ spec }) => selectorText(spec?.selector) },
  ]),
};
