import { type Resource, type ResourceDefinition, schemaFor } from '#api';
import { type DeepReadonly, type FieldSchema, type KubernetesObject, type Schema } from '#machinery';
import { type TableCell, type TableColumn, type TableDefinition } from '../strategy';
import { ageOf } from './duration';
import { columnFieldDescriptions, withLineBreaks } from './field-descriptions';

/** One column and what stands in it. */
export interface Column<T> {
  readonly name: string;
  readonly type?: TableColumn['type'];
  readonly format?: string;
  /** Shown only with `-o wide`. */
  readonly wide?: boolean;
  /** Where the description comes from: a field of the kind (`.spec.replicas`), or a text. */
  readonly about: string;
  cell(object: DeepReadonly<T>, nowMs: number): TableCell;
}

/** The column that identifies the row. */
export const nameColumn: Column<KubernetesObject> = {
  name: 'Name',
  format: 'name',
  about: '.metadata.name',
  cell: ({ metadata }) => metadata?.name ?? '',
};

export const ageColumn: Column<KubernetesObject> = {
  name: 'Age',
  about: '.metadata.creationTimestamp',
  cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs),
};

/**
 * A table of independent columns. Descriptions are looked up when somebody asks for the first table.
 * @param documented the resource whose fields describe the columns: a kind in several versions has one table
 */
export function tableOf<T extends KubernetesObject>(
  resource: Resource<T>,
  columns: readonly Column<NoInfer<T>>[],
  documented: ResourceDefinition = resource,
): TableDefinition<T> {
  return {
    ...columnsOf(documented, columns),
    cells: (object, nowMs) => columns.map((column) => column.cell(object, nowMs)),
  };
}

/** The columns alone, for tables that compute a row at once. */
export function columnsOf(
  resource: ResourceDefinition,
  columns: readonly Omit<Column<never>, 'cell'>[],
): { readonly columns: readonly TableColumn[] } {
  let built: readonly TableColumn[] | undefined;
  return {
    get columns() {
      return (built ??= columns.map(({ name, type = 'string', format = '', wide = false, about }) => ({
        name,
        type,
        format,
        description: about.startsWith('.') ? describe(resource, about.slice(1)) : about,
        priority: wide ? 1 : 0,
      })));
    },
  };
}

/** The description that the schema has for a field. */
function describe({ group, version, kind }: ResourceDefinition, path: string): string {
  const known = columnFieldDescriptions[`${kind}.${path}`];
  if (known !== undefined) return known;
  let schema: Schema = schemaFor(group, version, kind);
  let description = '';
  for (const name of path.split('.')) {
    if (schema.type === 'list') schema = schema.items;
    const field: FieldSchema | undefined = schema.type === 'struct' ? schema.fields[name] : undefined;
    if (field === undefined) throw new TypeError(`${kind} has no field ${path}`);
    schema = field.schema;
    // Where the field says nothing, its type does.
    description = field.description || (schema.type === 'struct' ? schema.description : '');
  }
  return withLineBreaks(description);
}
