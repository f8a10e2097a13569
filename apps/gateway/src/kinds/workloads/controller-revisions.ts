import { type ControllerRevision, parseGroupVersion, resources } from '#api';
import { controllerOf } from '#machinery';

import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { controllerRevisionValidation } from './controller-revision-validation';

export const controllerRevisions: ResourceStrategy<ControllerRevision> = {
  resource: resources.controllerRevisions,
  ...controllerRevisionValidation,
  table: tableOf(resources.controllerRevisions, [
    nameColumn,
    {
      name: 'Controller',
      about: 'Controller of the object',
      cell: (revision) => {
        const owner = controllerOf(revision);
        if (owner === undefined) return NONE;
        const { group } = parseGroupVersion(owner.apiVersion);
        return `${owner.kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${owner.name}`;
      },
    },
    { name: 'Revision', about: '.revision', cell: ({ revision }) => revision },
    ageColumn,
  ]),
};
