import { type CustomResourceDefinition, resources } from '#api';
import { keepMetadata } from '../common/status';
import { type ResourceStrategy } from '../strategy';

const HTTPS_PORT = 443;

export const customResourceDefinitions: ResourceStrategy<CustomResourceDefinition> = {
  resource: resources.customResourceDefinitions,

  setDefaults({ spec }) {
    const { names } = spec;
    names.singular ||= names.kind.toLowerCase();
    names.listKind ||= names.kind === '' ? '' : `${names.kind}List`;
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service !== undefined) service.port ??= HTTPS_PORT;
  },

  prepareForCreate({ spec, status }) {
    // What may be in the store; a version leaves the list only after its objects were rewritten.
    if (status !== undefined)
      status.storedVersions = spec.versions.filter(({ storage }) => storage).map(({ name }) => name);
  },

  prepareForUpdate({ spec, status }) {
    const stored = spec.versions.find(({ storage }) => storage)?.name;
    if (status === undefined || stored === undefined || status.storedVersions?.includes(stored) === true) return;
    status.storedVersions = [...(status.storedVersions ?? []), stored];
  },

  subresources: { status: { prepareForUpdate: keepMetadata } },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  allowUnconditionalUpdate: false,
};
