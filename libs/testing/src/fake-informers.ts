import { type Resource } from '#api';
import { type Informer, type InformerFactory, ObjectCache } from '#controller';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type FakeStore, type StoreChange, tableOf } from './fake-store';

interface Entry {
  readonly table: string;
  readonly cache: ObjectCache<KubernetesObject>;
  readonly accepts: (object: DeepReadonly<KubernetesObject>) => boolean;
  revision: number;
  waiters: { readonly revision: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[];
}

/** Informers that hear of every write at once, or, while held, when they are released. */
export class FakeInformers implements InformerFactory {
  private readonly entries: { readonly resource: string; readonly selector: string; readonly entry: Entry }[] = [];
  private readonly backlog: StoreChange[] = [];
  private isHeld = false;
  private isStopped = false;

  constructor(private readonly store: FakeStore) {}

  informer<T extends KubernetesObject>(
    resource: Resource<T>,
    options: { readonly fieldSelector?: string } = {},
  ): Informer<T> {
    const table = tableOf(resource);
    const selector = options.fieldSelector ?? '';
    const entry =
      this.entries.find((other) => other.resource === table && other.selector === selector)?.entry ??
      this.open(resource, table, selector);
    const cache = entry.cache as unknown as ObjectCache<T>;
    return {
      resource,
      lister: cache,
      hasSynced: () => true,
      revision: () => entry.revision,
      waitFor: (revision) =>
        entry.revision >= revision
          ? Promise.resolve()
          : new Promise((resolve, reject) => {
              if (this.isStopped) return reject(new Error('informer stopped'));
              entry.waiters.push({ revision, resolve, reject });
            }),
      addHandler: (handler) => cache.addHandler(handler),
      addIndex: (name, values) => cache.addIndex(name, values),
    };
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const { entry } of this.entries) {
      for (const { reject } of entry.waiters.splice(0)) reject(new Error('informer stopped'));
    }
  }

  /** From now on caches stay as they are. */
  hold(): void {
    this.isHeld = true;
  }

  /** Caches catch up, and follow again. */
  release(): void {
    this.isHeld = false;
    for (const change of this.backlog.splice(0)) this.deliver(change);
  }

  onChange(change: StoreChange): void {
    if (this.isHeld) this.backlog.push(change);
    else this.deliver(change);
  }

  private open<T extends KubernetesObject>(resource: Resource<T>, table: string, selector: string): Entry {
    const cache = new ObjectCache<KubernetesObject>((error) => {
      throw error;
    });
    const entry: Entry = { table, cache, accepts: fieldMatcher(selector), revision: this.store.revision, waiters: [] };
    this.entries.push({ resource: table, selector, entry });
    cache.replace(this.store.all(resource).filter(entry.accepts));
    return entry;
  }

  private deliver(change: StoreChange): void {
    for (const { entry } of this.entries) {
      entry.revision = Math.max(entry.revision, change.revision);
      if (entry.table === change.resource) {
        const isMember = change.type === 'set' && entry.accepts(change.object);
        entry.cache.apply([{ type: isMember ? 'set' : 'delete', object: change.object }]);
      }
      const reached = entry.waiters.filter(({ revision }) => revision <= entry.revision);
      entry.waiters = entry.waiters.filter(({ revision }) => revision > entry.revision);
      for (const { resolve } of reached) resolve();
    }
  }
}

/** `spec.nodeName=n1,metadata.name!=x` by the path itself; absent is ''. */
export function fieldMatcher(selector: string): (object: DeepReadonly<KubernetesObject>) => boolean {
  const terms = selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const [, path = '', operator = '=', value = ''] = /^([^=!]+)(!=|==|=)(.*)$/.exec(term) ?? [];
      return { path: path.split('.'), isNegated: operator === '!=', value };
    });
  return (object) =>
    terms.every(({ path, isNegated, value }) => {
      let found: unknown = object;
      for (const step of path) found = (found as Record<string, unknown> | undefined)?.[step];
      const text = typeof found === 'string' || typeof found === 'number' ? String(found) : '';
      return (text === value) !== isNegated;
    });
}
