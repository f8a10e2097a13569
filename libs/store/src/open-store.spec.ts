import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FakeClock } from '#testing';
import { describeKeyValueStore } from './key-value-store.contract';
import { type DiskStore, type DiskStoreOptions, openStore } from './open-store';

const directories: string[] = [];

function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-store-'));
  directories.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true });
});

describeKeyValueStore('the store on disk', async () => {
  const clock = new FakeClock();
  const store = await openStore({ directory: temporaryDirectory(), clock, segmentBytes: 64 * 1024 });
  return { store, advance: (ms) => clock.advance(ms) };
});

describe('the store on disk', () => {
  const open = (directory: string, options: Partial<DiskStoreOptions> = {}): Promise<DiskStore> =>
    openStore({ directory, clock: new FakeClock(), segmentBytes: 16 * 1024, ...options });
  const value = (n: number): Uint8Array => Buffer.from(`value ${n} ${'x'.repeat(n % 500)}`);
  const contents = async (store: DiskStore): Promise<unknown> => (await store.range({ key: '\0', rangeEnd: '\0' })).kvs;

  it('comes back as it was left: versions, history, leases, compaction', async () => {
    const directory = temporaryDirectory();
    const clock = new FakeClock();
    let store = await open(directory, { clock });
    const { id } = await store.leaseGrant(1000, 42n);
    for (let n = 0; n < 20; n++) await store.put({ key: `k${n % 7}`, value: value(n), lease: n % 2 ? id : 0n });
    await store.deleteRange({ key: 'k3' });
    await store.compact(5);
    const before = [await contents(store), await store.leaseStatus(42n)];
    const past = await store.range({ key: 'k', rangeEnd: 'l', revision: 8 });
    const status = await store.status();
    await store.close();
    expect(clock.pending).toBe(0);

    store = await open(directory);
    expect([await contents(store), await store.leaseStatus(42n)]).toEqual(before);
    expect((await store.range({ key: 'k', rangeEnd: 'l', revision: 8 })).kvs).toEqual(past.kvs);
    await expect(store.range({ key: 'k', revision: 4 })).rejects.toMatchObject({ code: 'compacted' });
    // A new term, and its leader's first entry, which says nothing.
    const [term, index] = [status.term + 1, status.appliedIndex + 1];
    expect(await store.status()).toEqual({ ...status, term, appliedIndex: index, raftIndex: index });
    expect((await store.put({ key: 'k', value: value(1) })).revision).toBe(status.revision + 1);
    await store.close();
  });

  it('keeps what a lease had left over a restart', async () => {
    const directory = temporaryDirectory();
    let clock = new FakeClock();
    let store = await open(directory, { clock });
    await store.leaseGrant(1000, 1n);
    await clock.advance(5 * 60_000 + 1);
    // Behind the checkpoint in the log.
    await store.put({ key: 'a', value: value(1) });
    await store.close();

    clock = new FakeClock();
    store = await open(directory, { clock });
    expect((await store.leaseStatus(1n)).ttl).toBe(700);
    expect(await store.leaseKeepAlive(1n)).toBe(1000);
    await store.close();
    store = await open(directory);
    expect((await store.leaseStatus(1n)).ttl).toBe(1000);
    await store.close();
  });

  it('replaces the log by a snapshot, again and again, while writes go on', async () => {
    const directory = temporaryDirectory();
    let store = await open(directory, { snapshotEveryBytes: 20_000 });
    const { id } = await store.leaseGrant(500, 7n);
    for (let n = 0; n < 1000; n += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, offset) =>
          store.put({ key: `k${(n + offset) % 90}`, value: value(n + offset), lease: offset % 10 ? 0n : id }),
        ),
      );
    }
    await store.deleteRange({ key: 'k5' });
    await store.compact(600);
    // Joins one that is being written already.
    await store.snapshot();
    await store.snapshot();
    await store.put({ key: 'after', value: value(1) });
    const before = [await contents(store), await store.leaseStatus(7n)];
    const past = (await store.range({ key: 'k', rangeEnd: 'l', revision: 700 })).kvs;
    expect(past).toHaveLength(90);
    await store.close();
    expect(fs.readdirSync(path.join(directory, 'snapshot'))).toHaveLength(1);
    expect(fs.readdirSync(path.join(directory, 'wal')).filter((name) => name.endsWith('.wal')).length).toBeLessThan(3);

    store = await open(directory);
    expect([await contents(store), await store.leaseStatus(7n)]).toEqual(before);
    expect((await store.range({ key: 'k', rangeEnd: 'l', revision: 700 })).kvs).toEqual(past);
    const revisions: number[] = [];
    await new Promise<void>((resolve, reject) => {
      store.watch(
        { key: 'k', rangeEnd: 'l', startRevision: 600 },
        { onBatch: ({ revision }) => (revisions.push(revision) === 403 ? resolve() : undefined), onEnd: reject },
      );
    });
    expect(revisions).toEqual(Array.from({ length: 403 }, (_, n) => n + 600));
    await store.close();
  });

  it('refuses a second store on the same directory, until the first is closed', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({ code: 'unavailable' });
    await store.close();
    await (await open(directory)).close();
  });

  it('lets nobody else read its files', async () => {
    const directory = path.join(temporaryDirectory(), 'new');
    const store = await open(directory);
    await store.put({ key: 'a', value: value(1) });
    await store.snapshot();
    await store.close();
    const modes = ['', 'wal', 'snapshot'].map((name) => fs.statSync(path.join(directory, name)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o700, 0o700]);
    for (const kind of ['wal', 'snapshot']) {
      for (const name of fs.readdirSync(path.join(directory, kind))) {
        expect(fs.statSync(path.join(directory, kind, name)).mode & 0o777).toBe(0o600);
      }
    }
  });
});
