import { ApiError, badRequest, expired, notFound } from '#machinery';
import { type KeyValueStore, StoreError } from '#store';
import { type ObjectTree } from '../cache/resource-cache';
import { type ListMetadata } from '../request/api-result';
import { type ListOptions, parseRevision } from '../request/options';
import { prefixEnd } from '../storage/keys';
import { guard } from '../storage/object-storage';
import { type VersionedObject, decodeStored } from '../storage/versioned-object';
import { decodeContinue, encodeContinue } from './continue-token';
import { type Freshness } from './freshness';
import { type Selection, parseSelection } from './selection';
import { type ServedResource } from './served-resource';

const storePage = 500;
/** Snapshots of paged lists kept, so that the next pages need not read the store. */
const snapshotLimit = 16;

export interface ListPage {
  readonly metadata: ListMetadata;
  readonly items: VersionedObject[];
}

/** GET and LIST with upstream's semantics of resourceVersion, resourceVersionMatch, limit and continue. */
export class Reader {
  private readonly snapshots = new Map<string, ObjectTree>();

  constructor(
    private readonly store: KeyValueStore,
    private readonly freshness: Freshness,
    private readonly cacheRevision: () => number,
  ) {}

  /** @throws NotFound */
  async get(
    resource: ServedResource,
    namespace: string,
    name: string,
    resourceVersion: string,
  ): Promise<VersionedObject> {
    const revision = parseRevision(resourceVersion, 'other');
    let found: VersionedObject | undefined;
    if (resourceVersion === '') found = await this.find(resource, namespace, name);
    else {
      await this.freshness.atLeast(revision);
      found = resource.cache.get(resource.key(namespace, name));
    }
    if (found === undefined) throw notFound(resource.groupResource, name);
    return resource.serve(found);
  }

  /** As it is now, whichever gateway wrote it; undefined: there is none. */
  async find(resource: ServedResource, namespace: string, name: string): Promise<VersionedObject | undefined> {
    const key = resource.key(namespace, name);
    const { inCache } = await this.freshness.latest();
    return inCache ? resource.cache.get(key) : this.readStore(key);
  }

  async list(resource: ServedResource, namespace: string, options: ListOptions, name = ''): Promise<ListPage> {
    const selection = parseSelection(resource, options.labelSelector, options.fieldSelector, name);
    const prefix = resource.keyPrefix(namespace);
    const { limit, resourceVersion, resourceVersionMatch } = options;
    if (options.continue !== '') {
      if (resourceVersion !== '' && resourceVersion !== '0') {
        throw badRequest('specifying resource version is not allowed when using continue');
      }
      const token = decodeContinue(options.continue);
      if (token.revision === -1) {
        const revision = this.cacheRevision();
        return this.page(
          resource,
          resource.cache.range(prefix, prefix + token.start),
          selection,
          prefix,
          limit,
          revision,
        );
      }
      return this.listAt(resource, selection, prefix, token.revision, limit, prefix + token.start, true);
    }
    const revision = parseRevision(resourceVersion, 'list');
    const isExact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0 && revision > 0);
    if (isExact) {
      await this.freshness.atLeast(revision);
      return this.listAt(resource, selection, prefix, revision, limit, prefix, false);
    }
    if (resourceVersion === '') {
      const { revision: latest, inCache } = await this.freshness.latest();
      if (!inCache) return this.listAt(resource, selection, prefix, latest, limit, prefix, false);
    } else {
      await this.freshness.atLeast(revision);
    }
    const now = this.cacheRevision();
    const page = this.page(resource, resource.cache.range(prefix), selection, prefix, limit, now);
    if (page.metadata.continue !== undefined) this.remember(resource, now);
    return page;
  }

  /** Everything selected as the cache shows it now, without any waiting. */
  *selected(resource: ServedResource, namespace: string, selection: Selection): Generator<VersionedObject> {
    for (const stored of resource.cache.range(resource.keyPrefix(namespace))) {
      const object = resource.serve(stored);
      if (selection.matches(object.object)) yield object;
    }
  }

  private page(
    resource: ServedResource,
    objects: Iterable<VersionedObject>,
    selection: Selection,
    prefix: string,
    limit: number,
    revision: number,
  ): ListPage {
    const items: VersionedObject[] = [];
    let last = '';
    let remaining = 0;
    for (const stored of objects) {
      if (limit > 0 && items.length === limit) {
        if (!selection.isEverything) {
          remaining = -1;
          break;
        }
        remaining++;
        continue;
      }
      const object = resource.serve(stored);
      if (!selection.isEverything && !selection.matches(object.object)) continue;
      items.push(object);
      last = stored.key;
    }
    const metadata: ListMetadata = {
      resourceVersion: String(revision),
      ...(remaining === 0 ? {} : { continue: encodeContinue({ revision, start: `${last.slice(prefix.length)}\0` }) }),
      ...(remaining > 0 ? { remainingItemCount: remaining } : {}),
    };
    return { metadata, items };
  }

  /** A list at a revision of the past: from a remembered snapshot, or from the store. */
  private async listAt(
    resource: ServedResource,
    selection: Selection,
    prefix: string,
    revision: number,
    limit: number,
    from: string,
    isContinued: boolean,
  ): Promise<ListPage> {
    const snapshot = this.snapshots.get(`${resource.cache.prefix}@${revision}`);
    if (snapshot !== undefined) {
      return this.page(resource, rangeOf(snapshot, prefix, from), selection, prefix, limit, revision);
    }
    if (revision === this.cacheRevision()) {
      return this.page(resource, resource.cache.range(prefix, from), selection, prefix, limit, revision);
    }
    try {
      const objects: VersionedObject[] = [];
      for (let start = from; ;) {
        const range = { key: start, rangeEnd: prefixEnd(prefix), revision, limit: storePage };
        const { kvs, more } = await guard(this.store.range(range));
        for (const { key, value, modRevision } of kvs) objects.push(decodeStored(key, value, modRevision));
        const last = kvs.at(-1);
        if (!more || last === undefined) break;
        start = `${last.key}\0`;
      }
      return this.page(resource, objects, selection, prefix, limit, revision);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'compacted') {
        throw isContinued
          ? continueExpired(from.slice(prefix.length))
          : expired('The resourceVersion for the provided list is too old.');
      }
      throw error;
    }
  }

  private async readStore(key: string): Promise<VersionedObject | undefined> {
    const { kvs } = await guard(this.store.range({ key }));
    const kv = kvs[0];
    return kv === undefined ? undefined : decodeStored(key, kv.value, kv.modRevision);
  }

  private remember(resource: ServedResource, revision: number): void {
    const id = `${resource.cache.prefix}@${revision}`;
    if (this.snapshots.has(id)) return;
    this.snapshots.set(id, resource.cache.snapshot());
    const oldest = this.snapshots.keys().next();
    if (this.snapshots.size > snapshotLimit && oldest.done !== true) this.snapshots.delete(oldest.value);
  }
}

function* rangeOf(tree: ObjectTree, prefix: string, from: string): Generator<VersionedObject> {
  for (const [key, object] of tree.entries(from)) {
    if (!key.startsWith(prefix)) return;
    yield object;
  }
}

/** The answer carries a token with which the client may go on at the price of consistency. */
function continueExpired(start: string): ApiError {
  const { status } = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
  );
  return new ApiError({ ...status, metadata: { continue: encodeContinue({ revision: -1, start }) } });
}
