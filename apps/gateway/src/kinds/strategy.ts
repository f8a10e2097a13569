import { type Resource } from '#api';
import { type DeepReadonly, type FieldError, type KubernetesObject } from '#machinery';

/** Who asks, as authentication and impersonation established it. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a strategy may know besides the object. Strategies are pure: time comes from here, and nothing else is read. */
export interface StrategyContext {
  readonly user: UserInfo;
  /** '' for cluster-scoped objects. */
  readonly namespace: string;
  /** Now, RFC 3339 in seconds, as `metav1.Time` encodes it. */
  readonly now: string;
  /** The same instant in milliseconds since the epoch. */
  readonly nowMs: number;
  readonly dryRun: boolean;
  /** '' for the object itself, else `status`, `scale` … */
  readonly subresource: string;
}

/** Checks a name; `prefix` is true for a `generateName`, which may end where a name may not. Returns messages, none if valid. */
export type NameRule = (name: string, prefix: boolean) => readonly string[];

/**
 * A string of the object, '' when unset. Every kind has `metadata.name` and, if namespaced, `metadata.namespace`;
 * these are the others.
 */
export type FieldSelectorGetter<T> = (object: DeepReadonly<T>) => string;

/** A column of `meta.k8s.io/v1` Table, as `kubectl get` shows it. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** `name` marks the column that identifies the row. */
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, more only with `-o wide`. */
  readonly priority: number;
}

export type TableCell = string | number | boolean | null;

export interface TableRowCondition {
  readonly type: 'Completed';
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

export interface TableDefinition<T> {
  readonly columns: readonly TableColumn[];
  /** One cell a column. Ages are computed here, against `nowMs`. */
  cells(object: DeepReadonly<T>, nowMs: number): readonly TableCell[];
  /** Tells `kubectl get` which pods are over. */
  conditions?(object: DeepReadonly<T>): readonly TableRowCondition[];
}

/** How one subresource differs from the resource. Only `PUT`/`PATCH` subresources of the same kind have one. */
export interface SubresourceStrategy<T> {
  /**
   * Puts back what the subresource must not change. For `status` the default keeps everything but `status`, and this runs after
   * that. For other subresources the default keeps `status`, and this replaces it.
   */
  prepareForUpdate?(object: T, old: DeepReadonly<T>, context: StrategyContext): void;
  validateUpdate?(object: DeepReadonly<T>, old: DeepReadonly<T>, context: StrategyContext): readonly FieldError[];
  warningsOnUpdate?(object: DeepReadonly<T>, old: DeepReadonly<T>): readonly string[];
}

/** Deletion with a period in which a component (the node agent) ends the object's work. */
export interface GracefulDeletion<T> {
  /**
   * Seconds of grace for this deletion; 0 removes the object at once. `requested` is what the client asked for, undefined if
   * it did not. Called for each delete request, also of an object that is already terminating.
   */
  gracePeriodSeconds(object: DeepReadonly<T>, requested: number | undefined): number;
}

export interface HeldDeletion<T> {
  /** Marks the object as going away; `metadata.deletionTimestamp` is set already. */
  begin(object: T): void;
  /** True while the object must stay. */
  isHeld(object: DeepReadonly<T>): boolean;
}

/** Serving one stored object under another group or version as well (`autoscaling/v1`, `events.k8s.io`). */
export interface Conversion<T extends KubernetesObject> {
  /** What the store holds. Both directions get and return new objects; they must not share mutable parts with the input. */
  readonly storage: Resource<KubernetesObject>;
  toStorage(object: DeepReadonly<T>): KubernetesObject;
  fromStorage(object: DeepReadonly<KubernetesObject>): T;
}

/**
 * What only one kind does. Everything is optional: the generic registry serves a kind without a strategy correctly as far
 * as its schema goes. Order on create: `setDefaults`, mutating admission, `prepareForCreate`, `validateFirst`,
 * `validateCreate`, validating admission, store. Order on update: `setDefaults`, mutating admission, `prepareForUpdate`, …
 *
 * Objects passed as `T` belong to the callee and are changed in place; `DeepReadonly` ones are frozen. Methods are
 * synchronous and deterministic; on conflicts they run again on the new state.
 */
export interface ResourceStrategy<T extends KubernetesObject = KubernetesObject> {
  readonly resource: Resource<T>;
  /** Default: a DNS-1123 subdomain (`NameIsDNSSubdomain`). */
  readonly nameRule?: NameRule;
  /** Upstream's `SetObjectDefaults_*`. Also runs on objects read back, so it must be idempotent. */
  setDefaults?(object: T): void;

  /** Clients may set the status of a new object (Nodes, which register with what they are). Default false. */
  readonly keepsStatusOnCreate?: boolean;
  /** The default drops `status` (leaving its zero) if the resource has a `status` subresource. Runs after that. */
  prepareForCreate?(object: T, context: StrategyContext): void;
  /** What is wrong so that upstream looks no further, at metadata neither: only that is said. */
  validateFirst?(object: DeepReadonly<T>): readonly FieldError[];
  validateCreate?(object: DeepReadonly<T>, context: StrategyContext): readonly FieldError[];
  /** Upstream's `Canonicalize`: completes a new object that has been found valid. */
  canonicalize?(object: T): void;
  /** Sent as `Warning` headers. */
  warningsOnCreate?(object: DeepReadonly<T>): readonly string[];

  /** The default keeps the old `status` if the resource has a `status` subresource. Runs after that. */
  prepareForUpdate?(object: T, old: DeepReadonly<T>, context: StrategyContext): void;
  /** Metadata and (for kinds with `nameRule`) names are validated by the registry. */
  validateUpdate?(object: DeepReadonly<T>, old: DeepReadonly<T>, context: StrategyContext): readonly FieldError[];
  warningsOnUpdate?(object: DeepReadonly<T>, old: DeepReadonly<T>): readonly string[];

  /** By name: `status`, `approval`, `ephemeralcontainers`, `resize`, `finalize`. */
  readonly subresources?: Readonly<Record<string, SubresourceStrategy<T>>>;

  readonly fieldSelectors?: Readonly<Record<string, FieldSelectorGetter<T>>>;
  /** What is said about other fields. Default: `field label not supported: …`. */
  readonly unknownFieldMessage?: (field: string) => string;
  /** Default: name and creation time. */
  readonly table?: TableDefinition<T>;

  /**
   * Fields that a request to the resource ('') or a subresource does not own in server-side apply, as dotted paths
   * (`status`, `spec.nodeName`). Default: '' resets `status`, `status` resets `spec`; both only with a `status` subresource.
   */
  readonly resetFields?: Readonly<Record<string, readonly string[]>>;

  /**
   * Whether `metadata.generation` counts changes: `spec` (anything but metadata and status), `none`, or a function that
   * compares. Default: `spec` for kinds with a `status` subresource, else `none`.
   */
  readonly generation?: 'spec' | 'none' | ((object: DeepReadonly<T>, old: DeepReadonly<T>) => boolean);
  /** False: `metadata.managedFields` stays empty, whoever writes. */
  readonly tracksOwnership?: boolean;
  /** What errors call the resource, if not by its plural. */
  readonly nameInErrors?: string;
  /** PUT of a missing object creates it (Leases, Endpoints, Events, …). Default false. */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT without a resourceVersion overwrites. Default true. */
  readonly allowUnconditionalUpdate?: boolean;

  readonly gracefulDeletion?: GracefulDeletion<T>;
  /** Deletion that the kind holds up itself, besides finalizers (namespaces and their `spec.finalizers`). */
  readonly heldDeletion?: HeldDeletion<T>;
  /** @param namesPolicy whether the client says what is to become of dependents */
  warningsOnDelete?(namesPolicy: boolean): readonly string[];
  /** DELETE answers with the deleted object rather than with a Status. Default false. */
  readonly returnsDeletedObject?: boolean;
  /** Used when the client names no propagation policy. Default `background`; `orphan` for old Jobs and ReplicationControllers. */
  readonly defaultPropagation?: 'background' | 'orphan';
  /** Seconds after which the store forgets the object (Events). */
  readonly ttlSeconds?: number;

  readonly conversion?: Conversion<T>;
}
