import { type Clock, delay } from '#machinery';
import { type KeyValue, type KeyValueStore, type RequestOp, StoreError } from './key-value-store';

/** etcd takes 128 operations and 1.5 MiB in a transaction. */
const MOST_OPERATIONS = 100;
const MOST_BYTES = 1024 * 1024;
const PAGE_KEYS = 500;
/** Writes on their way at a time while the target's revision is moved on. */
const IN_FLIGHT = 256;
/** What is not needed is let go of after so many, so that the target does not fill up. */
const COMPACT_EVERY = 50_000;
const ATTEMPTS = 20;
const PAUSE_MS = 250;
const SCRATCH_KEY = 'nestor/migration/revision';
const everything = { key: '\0', rangeEnd: '\0' };

export interface MigrateOptions {
  readonly from: KeyValueStore;
  /** Of ours, or a real etcd. */
  readonly to: KeyValueStore;
  readonly clock: Clock;
  /** The target may have keys: those that the source has, too, are overwritten, the others stay. */
  readonly mayHaveKeys?: boolean;
  /** Hears how far it is. */
  readonly say?: (line: string) => void;
}

export interface Migration {
  readonly keys: number;
  /** Of these, how many had a lease: they are plain keys in the target, and stay. */
  readonly leased: number;
  /** The source's, whose keys these are. */
  readonly fromRevision: number;
  readonly toRevision: number;
}

/**
 * Copies every key of a store that nobody writes to, and looks whether they have come. The target's revision is moved beyond the
 * source's first, and its history compacted: no key has a revision in it that is older than the one that a client may have seen in the source, and
 * who watches from one of the source's revisions hears that it is gone.
 *
 * @throws StoreError `failed-precondition` if the target has keys, if the source was written meanwhile, or if what arrived is not what was sent
 */
export async function migrateStore(options: MigrateOptions): Promise<Migration> {
  const { from, to, mayHaveKeys = false, say = () => undefined } = options;
  const { revision: fromRevision, count } = await from.range({ ...everything, countOnly: true });
  const { count: there } = await to.range({ ...everything, countOnly: true });
  if (there > 0 && !mayHaveKeys) throw refused(`the target has ${there} keys already`);
  say(`${count} keys at revision ${fromRevision}`);
  await moveBeyond(options, fromRevision);
  let keys = 0;
  let leased = 0;
  for await (const page of pages(from, fromRevision)) {
    for (const batch of batches(page)) await repeat(options.clock, () => write(to, batch));
    keys += page.length;
    leased += page.filter(({ lease }) => lease !== 0n).length;
  }
  say(`copied ${keys} keys; comparing`);
  await verify(options, fromRevision);
  const { revision: now } = await from.range({ ...everything, countOnly: true });
  if (now !== fromRevision) {
    throw refused(
      `the source was written while it was copied (revision ${fromRevision}, now ${now}): stop who writes, and begin again`,
    );
  }
  const { revision: toRevision } = await to.range({ ...everything, countOnly: true });
  return { keys, leased, fromRevision, toRevision };
}

/** Every write is a revision, however large: so there have to be as many. */
async function moveBeyond({ to, clock, say = () => undefined }: MigrateOptions, revision: number): Promise<void> {
  let { revision: reached } = await to.range({ ...everything, countOnly: true });
  if (reached > revision) return;
  let written = 0;
  while (reached <= revision) {
    const count = Math.min(IN_FLIGHT, revision - reached + 1);
    const put = async (): Promise<number> => (await to.put({ key: SCRATCH_KEY, value: new Uint8Array(0) })).revision;
    const revisions = await Promise.all(Array.from({ length: count }, () => repeat(clock, put)));
    reached = Math.max(reached, ...revisions);
    const before = written;
    written += count;
    if (Math.floor(before / COMPACT_EVERY) === Math.floor(written / COMPACT_EVERY)) continue;
    say(`moved the target's revision to ${reached} of ${revision}`);
    await repeat(clock, () => compact(to, reached));
  }
  const { revision: last } = await repeat(clock, () => to.deleteRange({ key: SCRATCH_KEY }));
  await repeat(clock, () => compact(to, last));
  say(`moved the target's revision to ${last}`);
}

async function compact(store: KeyValueStore, revision: number): Promise<void> {
  try {
    await store.compact(revision);
  } catch (error) {
    // An attempt before this one has done it.
    if (!(error instanceof StoreError && error.code === 'compacted')) throw error;
  }
}

async function* pages(store: KeyValueStore, revision: number): AsyncGenerator<readonly KeyValue[]> {
  let key = everything.key;
  for (;;) {
    const { kvs, more } = await store.range({ ...everything, key, revision, limit: PAGE_KEYS });
    if (kvs.length > 0) yield kvs;
    if (!more) return;
    key = `${kvs.at(-1)!.key}\0`;
  }
}

function* batches(page: readonly KeyValue[]): Generator<readonly KeyValue[]> {
  let batch: KeyValue[] = [];
  let bytes = 0;
  for (const kv of page) {
    const size = kv.key.length + kv.value.length;
    if (batch.length > 0 && (batch.length === MOST_OPERATIONS || bytes + size > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(kv);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

async function write(to: KeyValueStore, batch: readonly KeyValue[]): Promise<void> {
  const success = batch.map(({ key, value }): RequestOp => ({ type: 'put', request: { key, value } }));
  try {
    await to.txn({ compare: [], success });
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'request-too-large')) throw error;
    const bytes = batch.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    throw refused(
      `the target does not take ${batch[0]!.key}, ${bytes} bytes: raise STORE_MAX_REQUEST_BYTES, or etcd's --max-request-bytes, to 4194304`,
    );
  }
}

async function verify({ from, to, mayHaveKeys }: MigrateOptions, revision: number): Promise<void> {
  let keys = 0;
  for await (const page of pages(from, revision)) {
    keys += page.length;
    // As many as the source has between these two, unless the target had keys of its own.
    const range = { key: page[0]!.key, rangeEnd: `${page.at(-1)!.key}\0` };
    const { kvs } = await to.range(range);
    const arrived = new Map(kvs.map((kv) => [kv.key, kv.value]));
    for (const { key, value } of page) {
      const copy = arrived.get(key);
      if (copy === undefined || !Buffer.from(copy).equals(value)) {
        throw refused(`${key} is not the same in the target: does somebody else write to it?`);
      }
    }
  }
  const { count } = await to.range({ ...everything, countOnly: true });
  if (count === keys || mayHaveKeys === true) return;
  throw refused(`the target has ${count} keys, the source ${keys}: does somebody else write to it?`);
}

/** What is written here may be written twice. */
async function repeat<T>(clock: Clock, attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !(error instanceof StoreError && error.code === 'unavailable')) throw error;
      await delay(clock, PAUSE_MS);
    }
  }
}

function refused(message: string): StoreError {
  return new StoreError('failed-precondition', message);
}
