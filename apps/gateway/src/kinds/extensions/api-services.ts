import { type APIService, resources } from '#api';
import { keepMetadata } from '../common/status';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { apiServiceValidation } from './api-service-validation';

const HTTPS_PORT = 443;

export const apiServices: ResourceStrategy<APIService> = {
  resource: resources.apiServices,
  ...apiServiceValidation,

  setDefaults({ spec }) {
    if (spec?.service !== undefined) spec.service.port ??= HTTPS_PORT;
  },

  prepareForCreate(service, { now }) {
    if (service.spec?.service !== undefined) return;
    service.status = {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: now,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    };
  },

  subresources: { status: { prepareForUpdate: keepMetadata } },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  generation: 'none',
  allowUnconditionalUpdate: false,

  table: tableOf(resources.apiServices, [
    nameColumn,
    {
      name: 'Service',
      about: 'The service that answers, or that it is this server.',
      cell: ({ spec }) =>
        spec?.service === undefined ? 'Local' : `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}`,
    },
    {
      name: 'Available',
      about: 'Whether the API can be used, and if not, why.',
      cell: ({ status }) => {
        const condition = (status?.conditions ?? []).find(({ type }) => type === 'Available');
        if (condition === undefined) return 'Unknown';
        return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
      },
    },
    ageColumn,
  ]),
};
