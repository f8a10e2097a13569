import { type Resource, allResources, findKind, parseGroupVersion } from '#api';
import { type DeleteOptions, type ListOptions, type ObjectClient } from '#client';
import { type ControllerDependencies, type InformerFactory, alwaysLeader } from '#controller';
import {
  type ApiError,
  type DeepReadonly,
  type JsonValue,
  type KubernetesObject,
  type ObjectKey,
  parseKey,
} from '#machinery';
import { Registry, silentLogger } from '#telemetry';
import { type Buildable } from './builders';
import { FakeClock } from './fake-clock';
import { FakeInformers, fieldMatcher } from './fake-informers';
import { FakeStore, failure, tableOf } from './fake-store';
import { jsonPatch, mergePatch, strategicPatch } from './merge';

type Any = Resource<KubernetesObject>;
type Stored = DeepReadonly<KubernetesObject>;

/** One write that a controller made. */
export interface Write {
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  /** `pods`, `deployments.apps` */
  readonly resource: string;
  readonly subresource: string;
  /** `namespace/name` */
  readonly key: string;
  /** The object or patch that was sent. */
  readonly body?: unknown;
}

/**
 * A cluster in memory for controller tests: an API that keeps the rules controllers rely on (resourceVersion, UID, generation,
 * conflicts, status as a subresource, generateName, finalizers, graceful deletion), informers on it, and a record of what was written.
 *
 * ```ts
 * const cluster = new FakeCluster().add(replicaSet('web').replicas(2));
 * await new ReplicaSetReconciler(cluster.dependencies()).reconcile('default/web', signal);
 * expect(cluster.takeWrites()).toEqual(['create pods default/web-00001', …]);
 * ```
 */
export class FakeCluster {
  readonly clock: FakeClock;
  readonly client: ObjectClient;
  readonly informers: InformerFactory;
  /** Events that were recorded: `Normal SuccessfulCreate ReplicaSet/web: Created pod: web-00001`. */
  readonly events: string[] = [];
  /** Deleted pods stay, terminating, until `finish` removes them. */
  hasGracefulPods = false;

  private readonly store: FakeStore;
  private readonly fakeInformers: FakeInformers;
  private writes: Write[] = [];
  private readonly failures: { readonly verb: string; readonly table: string; readonly error: Error }[] = [];
  private names = 0;

  constructor(options: { readonly clock?: FakeClock } = {}) {
    this.clock = options.clock ?? new FakeClock();
    this.store = new FakeStore(this.clock, (change) => this.fakeInformers.onChange(change));
    this.informers = this.fakeInformers = new FakeInformers(this.store);
    this.client = this.createClient();
  }

  /** Puts objects there as they are (with status), unrecorded. Replaces what has the same name. */
  add(...objects: (Stored | Buildable)[]): this {
    for (const given of objects) {
      const object: Stored = 'build' in given ? given.build() : given;
      const resource = resourceOf(object);
      const key = { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
      if (this.store.find(resource, key) === undefined) this.store.create(resource, object);
      else
        this.store.put(resource, {
          ...object,
          metadata: { ...this.store.find(resource, key)?.metadata, ...object.metadata },
        });
    }
    return this;
  }

  /** Changes an object behind the controller's back, unrecorded; generation and status are up to `change`. */
  edit<T extends KubernetesObject>(resource: Resource<T>, key: string, change: (object: T) => void): DeepReadonly<T> {
    const copy = structuredClone(this.store.get(resource, parseKey(key))) as T;
    change(copy);
    return this.store.put(resource, copy) as DeepReadonly<T>;
  }

  /** Removes an object at once, unrecorded, whatever its finalizers. */
  remove(resource: Any, key: string): void {
    const object = structuredClone(this.store.get(resource, parseKey(key))) as KubernetesObject;
    if (object.metadata?.finalizers !== undefined) {
      delete object.metadata.finalizers;
      this.store.put(resource, object);
    }
    this.store.delete(resource, parseKey(key), false);
  }

  /** Removes every terminating pod, as its node would. */
  finish(): void {
    const pods = findKind('', 'v1', 'Pod')!;
    for (const pod of this.store.all(pods)) {
      if (pod.metadata?.deletionTimestamp !== undefined) this.store.delete(pods, keyOfObject(pod), false);
    }
  }

  get<T extends KubernetesObject>(resource: Resource<T>, key: string): DeepReadonly<T> | undefined {
    return this.store.find(resource, parseKey(key)) as DeepReadonly<T> | undefined;
  }

  list<T extends KubernetesObject>(resource: Resource<T>): DeepReadonly<T>[] {
    return this.store.all(resource) as DeepReadonly<T>[];
  }

  /** What was written since the last call, one line each: `create pods default/a`, `update deployments.apps/status default/web`. */
  takeWrites(): string[] {
    return this.takeWriteDetails().map(
      ({ verb, resource, subresource, key }) =>
        `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`} ${key}`,
    );
  }

  /** The same, with bodies. */
  takeWriteDetails(): Write[] {
    const writes = this.writes;
    this.writes = [];
    return writes;
  }

  /** The next call of this verb (`create`, `get`, `list` …) on the resource fails. */
  failNext(verb: string, resource: Any, error: Error): void {
    this.failures.push({ verb, table: tableOf(resource), error });
  }

  /** Informers stop following writes until `release`. */
  hold(): void {
    this.fakeInformers.hold();
  }

  release(): void {
    this.fakeInformers.release();
  }

  /** Everything a controller needs, on this cluster. Each call has a leader elector and a metrics registry of its own. */
  dependencies(): ControllerDependencies {
    return {
      client: this.client,
      informers: this.informers,
      elector: alwaysLeader(),
      recorder: () => ({
        event: (about, type, reason, message) => {
          this.events.push(`${type} ${reason} ${about.kind}/${about.metadata?.name}: ${message}`);
        },
      }),
      clock: this.clock,
      random: () => 0.5,
      logger: silentLogger(),
      metrics: new Registry(),
    };
  }

  private createClient(): ObjectClient {
    const { store } = this;
    const call = async <R>(verb: string, resource: Any, action: () => R): Promise<R> => {
      const index = this.failures.findIndex((failing) => failing.verb === verb && failing.table === tableOf(resource));
      const [failing] = index < 0 ? [] : this.failures.splice(index, 1);
      if (failing !== undefined) throw failing.error;
      return action();
    };
    const record = (verb: Write['verb'], resource: Any, key: string, body?: unknown, subresource = ''): void => {
      this.writes.push({ verb, resource: tableOf(resource), subresource, key, body });
    };
    const select = (resource: Any, options: ListOptions): Stored[] => {
      const hasFields = fieldMatcher(options.fieldSelector ?? '');
      const hasLabels = labelMatcher(options.labelSelector ?? '');
      return store
        .all(resource)
        .filter((object) => options.namespace === undefined || object.metadata?.namespace === options.namespace)
        .filter((object) => hasFields(object) && hasLabels(object));
    };
    const remove = (resource: Any, key: ObjectKey, { preconditions, gracePeriodSeconds }: DeleteOptions = {}): void => {
      const object = store.get(resource, key);
      const { uid = object.metadata?.uid, resourceVersion = object.metadata?.resourceVersion } = preconditions ?? {};
      if (uid !== object.metadata?.uid || resourceVersion !== object.metadata?.resourceVersion) {
        throw failure(
          409,
          'Conflict',
          `Operation cannot be fulfilled on ${tableOf(resource)} "${key.name}": Precondition failed`,
        );
      }
      record('delete', resource, text(key));
      const isGraceful = this.hasGracefulPods && gracePeriodSeconds !== 0 && tableOf(resource) === 'pods';
      store.delete(resource, key, isGraceful);
    };

    return {
      get: (resource, key) => call('get', resource, () => store.get(resource, key) as never),
      list: <T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}) =>
        call('list', resource, () => {
          const items = select(resource, options) as DeepReadonly<T>[];
          return { metadata: { resourceVersion: String(store.revision) }, items };
        }),
      create: (resource, object, options = {}) =>
        call('create', resource, () => {
          const named = this.named(resource, object);
          if (options.dryRun === true) return named as never;
          const created = store.create(resource, named);
          record('create', resource, text(keyOfObject(created)), object);
          return created as never;
        }),
      update: (resource, object, { subresource = '', dryRun } = {}) =>
        call('update', resource, () => {
          if (dryRun === true) return object;
          const updated = store.update(resource, object, subresource);
          record('update', resource, text(keyOfObject(object)), object, subresource);
          return updated as never;
        }),
      patch: (resource, key, type, patch, { subresource = '' } = {}) =>
        call('patch', resource, () => {
          const old = store.find(resource, key);
          if (old === undefined && type !== 'apply') store.get(resource, key);
          const next = applyPatch(old, type, patch as JsonValue);
          const written =
            old === undefined
              ? store.create(resource, { ...next, metadata: { ...key, ...next.metadata } })
              : store.update(resource, next, subresource);
          record('patch', resource, text(key), patch, subresource);
          return written as never;
        }),
      delete: (resource, key, options = {}) => call('delete', resource, () => remove(resource, key, options)),
      deleteCollection: (resource, options) =>
        call('deletecollection', resource, () => {
          for (const object of select(resource, options)) remove(resource, keyOfObject(object));
        }),
      createSubresource: (resource, key, subresource, body) =>
        call('create', resource, () => {
          const object = store.get(resource, key);
          record('create', resource, text(key), body, subresource);
          if (subresource === 'binding') {
            const target = (body as { target?: { name?: string } }).target;
            const bound = { ...object, spec: { ...(object as { spec?: object }).spec, nodeName: target?.name } };
            store.put(resource, bound);
          } else if (subresource === 'eviction') {
            store.delete(resource, key, this.hasGracefulPods);
          }
          return body as never;
        }),
      raw: async ({ method, path }) => {
        throw new Error(`FakeCluster does not answer ${method} ${path}`);
      },
    };
  }

  private named(resource: Any, object: Stored): Stored {
    const { name, generateName, ...metadata } = object.metadata ?? {};
    const generated = `${generateName ?? ''}${String(++this.names).padStart(5, '0')}`;
    const hasStatus = resource.subresources.some((subresource) => subresource.name === 'status');
    const { status: _status, ...rest } = object as Stored & { status?: unknown };
    const status = resource.kind === 'Pod' ? { phase: 'Pending' } : {};
    return {
      ...(hasStatus ? { ...rest, status } : object),
      metadata: { name: name ?? generated, ...(generateName === undefined ? {} : { generateName }), ...metadata },
    };
  }
}

function applyPatch(old: Stored | undefined, type: string, patch: JsonValue): Stored {
  const target = (old ?? {}) as JsonValue;
  try {
    if (type === 'json') return jsonPatch(target, patch as never) as Stored;
    return (type === 'merge' ? mergePatch(target, patch) : strategicPatch(target, patch)) as Stored;
  } catch (error) {
    throw failure(422, 'Invalid', error instanceof Error ? error.message : String(error));
  }
}

function resourceOf(object: Stored): Any {
  const { group, version } = parseGroupVersion(object.apiVersion ?? '');
  const resource = findKind(group, version, object.kind ?? '');
  if (resource === undefined)
    throw new Error(`no resource for ${object.apiVersion} ${object.kind} among ${allResources.length}`);
  return resource;
}

function keyOfObject(object: Stored): ObjectKey {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}

function text({ namespace, name }: ObjectKey): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Equality terms only: `a=b,c!=d,e`. */
function labelMatcher(selector: string): (object: Stored) => boolean {
  const terms = selector.split(',').filter((term) => term !== '');
  return ({ metadata }) =>
    terms.every((term) => {
      const [, key = '', operator, value] = /^([^=!]+)(?:(!=|==|=)(.*))?$/.exec(term) ?? [];
      const actual = metadata?.labels?.[key];
      if (operator === undefined) return actual !== undefined;
      return (actual === value) !== (operator === '!=');
    });
}

/** An `ApiError` as the API would answer it, for `failNext`. */
export function apiError(code: number, reason: ApiError['reason'], message: string = reason): ApiError {
  return failure(code, reason, message);
}
