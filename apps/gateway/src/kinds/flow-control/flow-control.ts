import { type FlowSchema, type PriorityLevelConfiguration, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { keepMetadata } from '../common/status';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE } from '../common/text';
import { type ResourceStrategy, type TableCell } from '../strategy';
import { flowSchemaValidation } from './flow-schema-validation';
import { priorityLevelValidation } from './priority-level-validation';

const status = { prepareForUpdate: keepMetadata };
const resetFields = { '': ['status'], status: ['metadata', 'spec'] };

export const flowSchemas: ResourceStrategy<FlowSchema> = {
  resource: resources.flowSchemas,
  ...flowSchemaValidation,
  setDefaults({ spec }) {
    if (spec !== undefined) spec.matchingPrecedence ||= 1000;
  },
  subresources: { status },
  resetFields,
  table: tableOf(resources.flowSchemas, [
    nameColumn,
    {
      name: 'PriorityLevel',
      about: '.spec.priorityLevelConfiguration',
      cell: ({ spec }) => spec?.priorityLevelConfiguration.name || NONE,
    },
    {
      name: 'MatchingPrecedence',
      about: '.spec.matchingPrecedence',
      cell: ({ spec }) => spec?.matchingPrecedence ?? 0,
    },
    {
      name: 'DistinguisherMethod',
      about: '.spec.distinguisherMethod',
      cell: ({ spec }) => spec?.distinguisherMethod?.type ?? NONE,
    },
    ageColumn,
    {
      name: 'MissingPL',
      about: 'Whether the priority level does not exist.',
      cell: (schema) => (schema.status?.conditions ?? []).find(({ type }) => type === 'Dangling')?.status ?? '?',
    },
  ]),
};

export const priorityLevelConfigurations: ResourceStrategy<PriorityLevelConfiguration> = {
  resource: resources.priorityLevelConfigurations,
  ...priorityLevelValidation,

  setDefaults({ spec }) {
    if (spec?.exempt !== undefined) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.limited === undefined) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing === undefined) return;
    queuing.queues ||= 64;
    queuing.handSize ||= 8;
    queuing.queueLengthLimit ||= 50;
  },

  subresources: { status },
  resetFields,
  table: tableOf(resources.priorityLevelConfigurations, [
    nameColumn,
    { name: 'Type', about: '.spec.type', cell: ({ spec }) => spec?.type ?? '' },
    {
      name: 'NominalConcurrencyShares',
      about: '.spec.limited.nominalConcurrencyShares',
      cell: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares ?? NONE,
    },
    queuingColumn('Queues', 'queues'),
    queuingColumn('HandSize', 'handSize'),
    queuingColumn('QueueLengthLimit', 'queueLengthLimit'),
    ageColumn,
  ]),
};

function queuingColumn(name: string, field: 'queues' | 'handSize' | 'queueLengthLimit') {
  return {
    name,
    about: `.spec.limited.limitResponse.queuing.${field}`,
    cell: ({ spec }: DeepReadonly<PriorityLevelConfiguration>): TableCell =>
      spec?.limited?.limitResponse?.queuing?.[field] ?? NONE,
  };
}
