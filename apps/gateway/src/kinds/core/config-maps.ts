import { type ConfigMap, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { configMapValidation } from './config-map-validation';

export const configMaps: ResourceStrategy<ConfigMap> = {
  resource: resources.configMaps,
  ...configMapValidation,
  table: tableOf(resources.configMaps, [
    nameColumn,
    {
      name: 'Data',
      about: '.data',
      cell: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    },
    ageColumn,
  ]),
};
