import fc from 'fast-check';
import { FakeClock, seededRandom } from '#testing';
import { type KeyValueStore, StoreError } from './key-value-store';
import { type DiskStore, openStore } from './open-store';
import { SimulatedFiles } from './simulated-files.fixture';
import { scanSegment } from './wal/segment';

const DIRECTORY = '/store';
const WAL = '/store/wal';
let opened = 0;

/** Each under another name to the lock, since machines that "stopped" never close theirs. */
async function open(files: SimulatedFiles, options: object = {}): Promise<DiskStore> {
  const directory = `/${opened++}`;
  return openStore({
    directory,
    clock: new FakeClock(),
    segmentBytes: 2048,
    files: files.under(directory, DIRECTORY),
    ...options,
  });
}

const put = (store: KeyValueStore, n: number): Promise<unknown> =>
  store.put({ key: `key ${n}`, value: Buffer.alloc((n * 37) % 700, n) });
const numbers = async (store: KeyValueStore): Promise<number[]> => {
  const { kvs } = await store.range({ key: 'key', rangeEnd: 'kez', sort: { target: 'mod', order: 'ascend' } });
  for (const { key, value } of kvs) {
    const n = Number(key.slice(4));
    if (!Buffer.alloc((n * 37) % 700, n).equals(value)) throw new Error(`${key} has somebody else's value`);
  }
  return kvs.map(({ key }) => Number(key.slice(4)));
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
/** Where the last record ends; zeros follow. */
const endOf = (segment: Buffer): number => scanSegment('', segment, true, () => undefined).end;
const failWith = (code: string) => (): never => {
  throw Object.assign(new Error(`${code}: simulated`), { code });
};

describe('after a power failure', () => {
  it('everything acknowledged is there, in order, and nothing behind a gap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(60), { minLength: 1, maxLength: 4 }),
        fc.integer(),
        fc.boolean(),
        async (crashes, seed, withSnapshots) => {
          const random = seededRandom(seed);
          let files = new SimulatedFiles();
          let acknowledged = 0;
          let next = 0;
          for (const operations of crashes) {
            files.operationsLeft = operations + 12;
            const run = async (): Promise<void> => {
              const store = await open(files, withSnapshots ? { snapshotEveryBytes: 1500 } : {});
              const found = await numbers(store);
              expect(found).toEqual(upTo(found.length));
              expect(found.length).toBeGreaterThanOrEqual(acknowledged);
              acknowledged = next = found.length;
              for (;;) {
                const writes = upTo(1 + Math.floor(random() * 5)).map(() =>
                  put(store, next++).then(() => acknowledged++),
                );
                await Promise.all(writes);
              }
            };
            let failure: Error | undefined;
            run().catch((error: unknown) => (failure = error as Error));
            // The machine has stopped when nothing moves any more.
            for (let turn = 0; turn < operations * 4 + 200; turn++)
              await new Promise((resolve) => setImmediate(resolve));
            if (failure !== undefined) throw failure;
            files = files.afterPowerFailure(random);
          }
          const store = await open(files);
          const found = await numbers(store);
          expect(found).toEqual(upTo(found.length));
          expect(found.length).toBeGreaterThanOrEqual(acknowledged);
          await store.close();
        },
      ),
      { numRuns: 120 },
    );
  });
});

describe('a process that was killed while it wrote', () => {
  it('leaves what it wrote to the next one, which makes it durable before it goes on', async () => {
    const files = new SimulatedFiles();
    const store = await open(files);
    await put(store, 0);
    // Written, and on its way to the disk.
    files.fault = (operation) => void (operation === 'write' && (files.operationsLeft = 0));
    void put(store, 1);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(files.operationsLeft).toBe(0);
    files.fault = () => undefined;
    files.operationsLeft = Infinity;

    const next = await open(files);
    const found = await numbers(next);
    expect(found).toEqual([0, 1]);
    await put(next, 2);
    const after = await open(files.afterPowerFailure(() => 0.99));
    expect(await numbers(after)).toEqual([...found, 2]);
    await after.close();
  });
});

describe('a damaged log', () => {
  /** Five batches in one segment, and the file as it was when the machine stopped without closing the store. */
  async function fiveBatches(): Promise<{ files: SimulatedFiles; file: string; ends: number[] }> {
    const files = new SimulatedFiles();
    const store = await open(files, { segmentBytes: 4096 });
    const ends: number[] = [];
    const size = (): number => endOf([...files.contents(WAL).values()][0]!);
    ends.push(size());
    for (let n = 0; n < 5; n++) {
      await Promise.all([store.put({ key: `key ${2 * n}`, value: Buffer.alloc(9) }), put1(store, 2 * n + 1)]);
      ends.push(size());
    }
    const copy = files.copy();
    await store.close();
    return { files: copy, file: [...copy.contents(WAL).keys()][0]!, ends };
  }
  const put1 = (store: KeyValueStore, n: number): Promise<unknown> =>
    store.put({ key: `key ${n}`, value: Buffer.alloc(9) });
  const count = async (files: SimulatedFiles): Promise<number | string> => {
    try {
      const store = await open(files, { segmentBytes: 4096 });
      const { kvs } = await store.range({ key: 'key', rangeEnd: 'kez', sort: { target: 'mod', order: 'ascend' } });
      expect(kvs.map(({ key }) => key)).toEqual(upTo(kvs.length).map((n) => `key ${n}`));
      await store.close();
      return kvs.length;
    } catch (error) {
      if (error instanceof StoreError) return `${error.code}: ${error.message}`;
      throw error;
    }
  };

  it('is refused for each flipped byte before the last batch, and cut there for one within it', async () => {
    const { files, file, ends } = await fiveBatches();
    const original = files.contents(WAL).get(file)!;
    const lastBatch = ends[4]!;
    for (let offset = 0; offset < ends[5]! + 16; offset++) {
      const damaged = files.copy();
      const bytes = Buffer.from(original);
      bytes[offset]! ^= 0x41;
      damaged.replace(file, bytes);
      const result = await count(damaged);
      if (offset < lastBatch) expect(result).toMatch(/^corrupt: .*wal is corrupt at offset \d+: /);
      // Two entries in the last batch, and how far the log is committed: what comes before the damage is whole.
      else expect([8, 9, 10]).toContain(result);
    }
  });

  it('is taken up to the last whole record wherever it was cut off', async () => {
    const { files, file, ends } = await fiveBatches();
    const original = files.contents(WAL).get(file)!;
    for (let length = ends[0]!; length <= ends[5]! + 16; length++) {
      const cut = files.copy();
      cut.replace(file, original.subarray(0, length));
      const result = await count(cut);
      const whole = ends.filter((end) => end <= length).length - 1;
      expect([2 * whole, 2 * whole + 1, 2 * whole + 2]).toContain(result);
    }
  });

  it('is refused for damage in the last batch too, once the store was closed', async () => {
    const files = new SimulatedFiles();
    const store = await open(files);
    await put(store, 1);
    const end = endOf([...files.contents(WAL).values()][0]!);
    await store.close();
    const [file, bytes] = [...files.contents(WAL)][0]!;
    bytes[end - 1]! ^= 1;
    files.replace(file, bytes);
    expect(await count(files)).toMatch(/^corrupt: .* durable records follow/);
  });

  it('is refused when a segment or the newest snapshot is missing', async () => {
    const files = new SimulatedFiles();
    const store = await open(files);
    for (const n of upTo(40)) await put(store, n);
    await store.close();
    const segments = [...files.contents(WAL).keys()].filter((name) => name.endsWith('.wal'));
    expect(segments.length).toBeGreaterThan(3);
    for (const segment of segments.slice(0, -1)) {
      const copy = files.copy();
      await copy.remove(segment);
      expect(await count(copy)).toMatch(/^corrupt: /);
    }

    const again = await open(files);
    await again.snapshot();
    await again.close();
    await files.remove([...files.contents('/store/snapshot').keys()][0]!);
    expect(await count(files)).toMatch(/^corrupt: /);
  });

  it('is refused with a snapshot of which a byte is wrong', async () => {
    const files = new SimulatedFiles();
    const store = await open(files);
    for (const n of upTo(5)) await put(store, n);
    await store.snapshot();
    await store.close();
    const [file, original] = [...files.contents('/store/snapshot')][0]!;
    for (let offset = 0; offset < original.length; offset += 7) {
      const bytes = Buffer.from(original);
      bytes[offset]! ^= 0x10;
      const damaged = files.copy();
      damaged.replace(file, bytes);
      expect(await count(damaged)).toMatch(/^corrupt: /);
    }
  });
});

describe('a full disk', () => {
  it.each([0, 0.3, 0.9])(
    'refuses writes, answers reads, and accepts again (%p of a write got through)',
    async (part) => {
      const files = new SimulatedFiles();
      const store = await open(files);
      for (const n of upTo(3)) await put(store, n);
      files.part = part;
      files.fault = (operation) => (operation === 'write' ? failWith('ENOSPC')() : undefined);
      await expect(put(store, 3)).rejects.toMatchObject({ code: 'no-space' });
      await expect(put(store, 3)).rejects.toMatchObject({ code: 'no-space' });
      expect(await numbers(store)).toEqual(upTo(3));
      // What was refused does not come back after a crash either.
      const crashed = await open(files.copy());
      expect(await numbers(crashed)).toEqual(upTo(3));
      files.fault = () => undefined;
      // Over several segments.
      for (const n of upTo(30).slice(3)) await put(store, n);
      await store.close();
      const again = await open(files);
      expect(await numbers(again)).toEqual(upTo(30));
      await again.close();
    },
  );

  it('keeps the log when there is no room for a snapshot', async () => {
    const files = new SimulatedFiles();
    const store = await open(files);
    for (const n of upTo(20)) await put(store, n);
    files.fault = (operation, file) =>
      operation === 'write' && file.endsWith('.snap.tmp') ? failWith('ENOSPC')() : undefined;
    await store.snapshot();
    expect(files.contents('/store/snapshot').size).toBe(0);
    await put(store, 20);
    await store.close();
    const again = await open(files);
    expect(await numbers(again)).toEqual(upTo(21));
    await again.close();
  });
});

describe('a failing disk', () => {
  it.each(['write', 'datasync'] as const)('stops the store for good when a %s fails', async (operation) => {
    const files = new SimulatedFiles();
    const failures: string[] = [];
    const store = await open(files, { onFailure: (error: StoreError) => failures.push(error.message) });
    await put(store, 0);
    const ended = new Promise<Error>((resolve) => {
      store.watch({ key: 'key', rangeEnd: 'kez' }, { onBatch: () => undefined, onEnd: resolve });
    });
    files.fault = (each) => (each === operation ? failWith('EIO')() : undefined);
    const writes = await Promise.allSettled([put(store, 1), put(store, 2)]);
    expect(writes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await ended).message).toMatch(/failed: EIO: simulated/);
    files.fault = () => undefined;
    for (const attempt of [put(store, 3), store.range({ key: 'key 0' })]) {
      await expect(attempt).rejects.toMatchObject({ code: 'closed', message: expect.stringContaining('EIO') });
    }
    await store.close();
    expect(failures).toEqual([expect.stringContaining('EIO')]);
    const again = await open(files);
    const found = await numbers(again);
    expect(found).toEqual(upTo(found.length));
    expect(found.length).toBeGreaterThanOrEqual(1);
    await again.close();
  });
});
