import { type Resource, formatGroupVersion } from '#api';
import {
  ApiError,
  type Clock,
  type DeepReadonly,
  type KubernetesObject,
  type ObjectKey,
  type StatusReason,
  deepFreeze,
  formatKey,
  formatTime,
  keyOf,
} from '#machinery';

type Stored = DeepReadonly<KubernetesObject>;
type Any = Resource<KubernetesObject>;

/** One change, as an informer hears of it. */
export interface StoreChange {
  readonly type: 'set' | 'delete';
  readonly resource: string;
  readonly object: Stored;
  readonly revision: number;
}

/** The objects of a `FakeCluster` and the rules of the API that controllers depend on. */
export class FakeStore {
  readonly tables = new Map<string, Map<string, Stored>>();
  revision = 100;
  private uids = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onChange: (change: StoreChange) => void,
  ) {}

  find(resource: Any, key: ObjectKey): Stored | undefined {
    return this.table(resource).get(formatKey(key.namespace, key.name));
  }

  get(resource: Any, key: ObjectKey): Stored {
    const object = this.find(resource, key);
    if (object === undefined) throw failure(404, 'NotFound', `${nameOf(resource)} "${key.name}" not found`);
    return object;
  }

  all(resource: Any): Stored[] {
    return [...this.table(resource).values()];
  }

  create(resource: Any, object: Stored): Stored {
    const key = keyOf(object);
    if (this.table(resource).has(key)) {
      throw failure(409, 'AlreadyExists', `${nameOf(resource)} "${object.metadata?.name}" already exists`);
    }
    const uid = object.metadata?.uid ?? `uid-${++this.uids}`;
    return this.put(resource, {
      ...object,
      metadata: {
        ...object.metadata,
        uid,
        generation: object.metadata?.generation ?? 1,
        creationTimestamp: object.metadata?.creationTimestamp ?? formatTime(this.clock.now()),
      },
    });
  }

  /** Replaces the part of the object that the subresource covers. Nothing happens where nothing changes. */
  update(resource: Any, object: Stored, subresource = ''): Stored {
    const key = { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
    const old = this.get(resource, key);
    const { resourceVersion, uid } = object.metadata ?? {};
    if (resourceVersion !== undefined && resourceVersion !== old.metadata?.resourceVersion) {
      throw failure(
        409,
        'Conflict',
        `${conflictText(resource, key.name)}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    }
    if (uid !== undefined && uid !== old.metadata?.uid) {
      throw failure(
        409,
        'Conflict',
        `${conflictText(resource, key.name)}: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata?.uid}`,
      );
    }
    const hasStatus = resource.subresources.some(({ name }) => name === 'status');
    const next: Record<string, unknown> =
      subresource === 'status' ? { ...old, status: statusOf(object) } : { ...object };
    if (hasStatus && subresource === '') next.status = statusOf(old);
    const isSpecChanged = JSON.stringify(specOf(next)) !== JSON.stringify(specOf(old));
    next.metadata = {
      ...(subresource === 'status' ? statusMetadata(old, object) : object.metadata),
      uid: old.metadata?.uid,
      creationTimestamp: old.metadata?.creationTimestamp,
      deletionTimestamp: old.metadata?.deletionTimestamp,
      resourceVersion: old.metadata?.resourceVersion,
      generation: (old.metadata?.generation ?? 1) + (isSpecChanged ? 1 : 0),
    };
    if (JSON.stringify(sorted(next)) === JSON.stringify(sorted(old))) return old;
    const isFinalised = old.metadata?.deletionTimestamp !== undefined && next.metadata !== undefined;
    const finalizers = (next.metadata as { finalizers?: string[] }).finalizers ?? [];
    const written = this.put(resource, next);
    if (isFinalised && finalizers.length === 0 && (old.metadata?.finalizers?.length ?? 0) > 0)
      this.remove(resource, written);
    return written;
  }

  /** Marks the object as deleted, and removes it unless finalizers or `isGraceful` keep it. */
  delete(resource: Any, key: ObjectKey, isGraceful: boolean): void {
    const object = this.get(resource, key);
    const isKept = isGraceful || (object.metadata?.finalizers?.length ?? 0) > 0;
    if (!isKept) return this.remove(resource, object);
    if (object.metadata?.deletionTimestamp !== undefined) return;
    this.put(resource, {
      ...object,
      metadata: {
        ...object.metadata,
        deletionTimestamp: formatTime(this.clock.now()),
        deletionGracePeriodSeconds: isGraceful ? 30 : 0,
      },
    });
  }

  /** Writes an object as it stands, with a new resourceVersion. */
  put(resource: Any, object: Stored): Stored {
    const revision = ++this.revision;
    const stored: Stored = deepFreeze(
      compact({
        apiVersion: formatGroupVersion(resource.group, resource.version),
        kind: resource.kind,
        ...object,
        metadata: { ...object.metadata, resourceVersion: String(revision) },
      }),
    );
    this.table(resource).set(keyOf(stored), stored);
    this.onChange({ type: 'set', resource: tableOf(resource), object: stored, revision });
    return stored;
  }

  private remove(resource: Any, object: Stored): void {
    const revision = ++this.revision;
    this.table(resource).delete(keyOf(object));
    const last: Stored = deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
    this.onChange({ type: 'delete', resource: tableOf(resource), object: last, revision });
  }

  private table(resource: Any): Map<string, Stored> {
    const name = tableOf(resource);
    let table = this.tables.get(name);
    if (table === undefined) this.tables.set(name, (table = new Map<string, Stored>()));
    return table;
  }
}

/** `deployments.apps`, or `pods`. */
export function tableOf({ plural, group }: Any): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function failure(code: number, reason: StatusReason, message: string): ApiError {
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message });
}

function nameOf(resource: Any): string {
  return tableOf(resource);
}

function conflictText(resource: Any, name: string): string {
  return `Operation cannot be fulfilled on ${nameOf(resource)} "${name}"`;
}

/** Who reports status may annotate, of most kinds. */
function statusMetadata(old: Stored, { metadata }: Stored): Stored['metadata'] {
  return metadata?.annotations === undefined ? old.metadata : { ...old.metadata, annotations: metadata.annotations };
}

function statusOf(object: object): unknown {
  return (object as { status?: unknown }).status;
}

function specOf(object: object): unknown {
  return sorted((object as { spec?: unknown }).spec);
}

/** Without what is undefined, as after a trip over the wire. */
function compact<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}
