import { type JsonValue } from './objects';

/** `x-kubernetes-list-type`, SMD's notion of how two managers share a list. */
export type ListType = 'atomic' | 'set' | 'map';

/**
 * The shape of a value of the API, linked into a (possibly cyclic) graph. One description serves strict decoding,
 * strategic merge, server-side apply and OpenAPI.
 */
export type Schema =
  | ScalarSchema
  | { readonly type: 'int-or-string' }
  | { readonly type: 'quantity' }
  /** Anything goes: `JSON`, `RawExtension`. Server-side apply owns it as one leaf. */
  | { readonly type: 'any' }
  | StructSchema
  | MapSchema
  | ListSchema;

export interface ScalarSchema {
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  /** OpenAPI format: `int32`, `int64`, `double`, `byte`, `date-time`, `micro-time` (a `date-time` with microseconds) … */
  readonly format?: string;
}

/** An object with known fields. */
export interface StructSchema {
  readonly type: 'struct';
  /** OpenAPI definition name, `io.k8s.api.core.v1.PodSpec`. */
  readonly name: string;
  readonly description: string;
  readonly fields: Readonly<Record<string, FieldSchema>>;
  /** `x-kubernetes-map-type: atomic`: server-side apply owns the object as a whole. */
  readonly atomic?: boolean;
}

export interface FieldSchema {
  readonly schema: Schema;
  readonly description: string;
  readonly required?: boolean;
  readonly default?: JsonValue;
  /**
   * Go holds this object by value: it is there (`{}`) even when nobody wrote it. Without it an absent object stays absent.
   */
  readonly embedded?: boolean;
  /** Go writes this optional field even when nobody set it: `null`, `''`, `0`. Required fields are written anyway. */
  readonly written?: boolean;
  /** Go omits this field while it is empty although it is required. */
  readonly omitEmpty?: boolean;
  /** Go holds this scalar by value and omits its zero: `''`, `0` and `false` are as good as absent. */
  readonly omitZero?: boolean;
  /** `patchStrategy` of strategic merge patch; `merge,retainKeys` has both. */
  readonly patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey?: string;
}

/** An object with free keys. */
export interface MapSchema {
  readonly type: 'map';
  readonly values: Schema;
  readonly atomic?: boolean;
}

export interface ListSchema {
  readonly type: 'list';
  readonly items: Schema;
  /** Absent means `atomic`. */
  readonly listType?: ListType;
  /** For `map` lists: the fields whose values identify an element. */
  readonly mapKeys?: readonly string[];
}
