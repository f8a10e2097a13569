import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type TableCell, type TableDefinition } from '../kinds/strategy';
import { type ServedResource } from '../registry/served-resource';

type Item = DeepReadonly<KubernetesObject>;

/** `meta.k8s.io` PartialObjectMetadata: the object without spec and status. */
export function partialObject(object: Item, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata ?? {} };
}

export interface TableOptions {
  readonly version: string;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly nowMs: number;
  readonly metadata: object;
  /** Watches send the columns with the first event only. */
  readonly columns: boolean;
}

/** `meta.k8s.io` Table: what `kubectl get` prints. */
export function tableOf(resource: ServedResource, objects: readonly Item[], options: TableOptions): object {
  const table = resource.strategy.table ?? defaultTable(resource);
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: options.metadata,
    columnDefinitions: options.columns ? table.columns : [],
    rows: objects.map((object) => {
      const conditions = table.conditions?.(object) ?? [];
      return {
        cells: table.cells(object, options.nowMs),
        ...(conditions.length === 0 ? {} : { conditions }),
        object:
          options.includeObject === 'None'
            ? null
            : options.includeObject === 'Object'
              ? object
              : partialObject(object, options.version),
      };
    }),
  };
}

/** `rest.NewDefaultTableConvertor`: name and creation time. */
function defaultTable(resource: ServedResource): TableDefinition<KubernetesObject> {
  return {
    columns: [
      {
        name: 'Name',
        type: 'string',
        format: 'name',
        description: describe(resource, 'name'),
        priority: 0,
      },
      {
        name: 'Created At',
        type: 'date',
        format: '',
        description: describe(resource, 'creationTimestamp'),
        priority: 0,
      },
    ],
    cells: ({ metadata }): TableCell[] => [metadata?.name ?? '', metadata?.creationTimestamp ?? null],
  };
}

/** The description of a metadata field, as the schema has it. */
function describe(resource: ServedResource, name: string): string {
  const metadata = resource.schema.fields.metadata?.schema;
  return metadata?.type === 'struct' ? (metadata.fields[name]?.description ?? '') : '';
}
