import { type ListMeta, type ObjectMeta } from './generated/types';

// What `kubectl get` prints is computed by the server (KEP-869). These kinds are no resources, so the generator's source
// does not have them.

/** `meta.k8s.io/v1` Table: one row an object. */
export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly TableColumnDefinition[];
  readonly rows: readonly TableRow[];
}

export interface TableColumnDefinition {
  /** As printed, in upper case. */
  readonly name: string;
  /** OpenAPI type of the cells. */
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** OpenAPI format; `name` marks the column that names the object. */
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, higher ones with `-o wide` only. */
  readonly priority: number;
}

export interface TableRow {
  /** In the order of the columns; null for a value that is not known. */
  readonly cells: readonly (string | number | boolean | null)[];
  /** Only on rows that report on the object's end, such as `Completed` pods. */
  readonly conditions?: readonly {
    readonly type: 'Completed';
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  /** What `includeObject` asks for: Metadata (the default), Object, or None. */
  readonly object?: object;
}

/** An object of any kind without spec and status. */
export interface PartialObjectMetadata {
  readonly kind: 'PartialObjectMetadata';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: ObjectMeta;
}

export interface PartialObjectMetadataList {
  readonly kind: 'PartialObjectMetadataList';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: ListMeta;
  readonly items: readonly PartialObjectMetadata[];
}
