import { type PodTemplateSpec } from '#api';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type Column } from '../common/table';

type TemplateOf<T> = (object: DeepReadonly<T>) => DeepReadonly<PodTemplateSpec> | undefined;

/** The columns that tell what the pods of a template are made of. */
export function templateColumns<T extends KubernetesObject>(templateOf: TemplateOf<T>, wide = true): Column<T>[] {
  const containers = (object: DeepReadonly<T>) => templateOf(object)?.spec?.containers ?? [];
  return [
    {
      name: 'Containers',
      wide,
      about: 'Names of each container in the template.',
      cell: (object) =>
        containers(object)
          .map(({ name }) => name)
          .join(','),
    },
    {
      name: 'Images',
      wide,
      about: 'Images referenced by each container in the template.',
      cell: (object) =>
        containers(object)
          .map(({ image = '' }) => image)
          .join(','),
    },
  ];
}
