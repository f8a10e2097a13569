import { type VolumeAttachment, resources } from '#api';
import { keepMetadata } from '../common/status';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { volumeAttachmentValidation } from './storage-class-validation';

export const volumeAttachments: ResourceStrategy<VolumeAttachment> = {
  resource: resources.volumeAttachments,
  ...volumeAttachmentValidation,
  subresources: { status: { prepareForUpdate: keepMetadata } },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  generation: 'none',
  allowUnconditionalUpdate: false,
  returnsDeletedObject: true,
  table: tableOf(resources.volumeAttachments, [
    nameColumn,
    { name: 'Attacher', format: 'name', about: '.spec.attacher', cell: ({ spec }) => spec.attacher },
    {
      name: 'PV',
      about: '.spec.source.persistentVolumeName',
      cell: ({ spec }) => spec.source.persistentVolumeName ?? '',
    },
    { name: 'Node', about: '.spec.nodeName', cell: ({ spec }) => spec.nodeName },
    { name: 'Attached', type: 'boolean', about: '.status.attached', cell: ({ status }) => status?.attached ?? false },
    ageColumn,
  ]),
};
