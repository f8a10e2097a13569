import { type Secret, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { secretValidation } from './config-map-validation';

export const secrets: ResourceStrategy<Secret> = {
  resource: resources.secrets,
  ...secretValidation,

  setDefaults(secret) {
    secret.type ||= 'Opaque';
    // For writing only: what it holds becomes data at once.
    for (const [key, text] of Object.entries(secret.stringData ?? {})) {
      (secret.data ??= {})[key] = Buffer.from(text, 'utf8').toString('base64');
    }
    delete secret.stringData;
  },

  fieldSelectors: { type: ({ type }) => type ?? '' },

  table: tableOf(resources.secrets, [
    nameColumn,
    { name: 'Type', about: '.type', cell: ({ type }) => type ?? '' },
    { name: 'Data', about: '.data', cell: ({ data = {} }) => Object.keys(data).length },
    ageColumn,
  ]),
};
