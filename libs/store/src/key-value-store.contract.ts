import { type KeyValueStore, type RequestOp, StoreError, type WatchBatch } from './key-value-store';

/** What a suite run needs. */
export interface StoreUnderTest {
  readonly store: KeyValueStore;
  /** Moves the clock that the store was given, or waits on a real one. */
  readonly advance: (ms: number) => Promise<void>;
  /** Ends what the store runs on, after the store was closed. */
  readonly dispose?: () => Promise<void>;
}

/** Where an implementation that is not ours is known to differ. */
export interface ContractOptions {
  /** etcd before 3.4.34 forgets a deletion at the very revision that is compacted to. */
  readonly forgetsDeletionAtCompaction?: boolean;
}

const text = (value: string): Uint8Array => Buffer.from(value);
const read = (value: Uint8Array): string => Buffer.from(value).toString();
const put = (key: string, value = ''): RequestOp => ({ type: 'put', request: { key, value: text(value) } });
const del = (key: string, rangeEnd?: string): RequestOp => ({ type: 'delete', request: { key, rangeEnd } });

/** The promises of `KeyValueStore`, kept by every implementation. */
export function describeKeyValueStore(
  name: string,
  create: () => Promise<StoreUnderTest>,
  { forgetsDeletionAtCompaction = false }: ContractOptions = {},
): void {
  describe(`${name} as a KeyValueStore`, () => {
    let store: KeyValueStore;
    let advance: StoreUnderTest['advance'];
    let dispose: StoreUnderTest['dispose'];

    beforeEach(async () => {
      ({ store, advance, dispose } = await create());
    });
    afterEach(async () => {
      await store.close();
      await dispose?.();
    });

    const write = async (key: string, value: string): Promise<number> =>
      (await store.put({ key, value: text(value) })).revision;
    const keys = async (key: string, rangeEnd = '\0'): Promise<string[]> =>
      (await store.range({ key, rangeEnd })).kvs.map((kv) => kv.key);
    const code = async (attempt: Promise<unknown>): Promise<string> => {
      const error = await attempt.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error instanceof StoreError ? `${error.code}: ${error.message}` : `not refused: ${String(error)}`;
    };
    const record = (key: string, options: object = {}): { log: string[]; batches: WatchBatch[]; cancel(): void } => {
      const log: string[] = [];
      const batches: WatchBatch[] = [];
      const watch = store.watch(
        { key, rangeEnd: '\0', ...options },
        {
          onBatch: (batch) => {
            batches.push(batch);
            const events = batch.events.map(
              ({ type, kv, prevKv }) =>
                `${type} ${kv.key}=${read(kv.value)}${prevKv === undefined ? '' : ` was ${read(prevKv.value)}`}`,
            );
            log.push(`${batch.revision}: ${events.join(', ')}`);
          },
          onEnd: (error) => log.push(`end: ${error.message}`),
        },
      );
      return { log, batches, cancel: () => watch.cancel() };
    };

    describe('revisions', () => {
      it('start at 1 and grow by one with each write', async () => {
        expect((await store.range({ key: 'a' })).revision).toBe(1);
        expect(await write('a', '1')).toBe(2);
        expect(await write('a', '2')).toBe(3);
        const { kvs } = await store.range({ key: 'a' });
        expect(kvs).toEqual([{ key: 'a', value: text('2'), createRevision: 2, modRevision: 3, version: 2, lease: 0n }]);
      });

      it('do not grow when nothing is deleted', async () => {
        await write('a', '1');
        expect(await store.deleteRange({ key: 'b' })).toEqual({ revision: 2, deleted: 0, prevKvs: [] });
        expect((await store.status()).revision).toBe(2);
      });

      it('start a new generation after a deletion', async () => {
        await write('a', '1');
        await store.deleteRange({ key: 'a' });
        await write('a', '2');
        const { kvs } = await store.range({ key: 'a' });
        expect(kvs[0]).toMatchObject({ createRevision: 4, modRevision: 4, version: 1 });
      });
    });

    describe('range', () => {
      beforeEach(async () => {
        for (const key of ['a', 'b', 'b/1', 'b/2', 'c']) await write(key, `value of ${key}`);
      });

      it('reads one key, an interval, or everything from a key on, in byte order', async () => {
        expect((await store.range({ key: 'b' })).kvs.map(({ key }) => key)).toEqual(['b']);
        expect(await keys('b', 'c')).toEqual(['b', 'b/1', 'b/2']);
        expect(await keys('b/2')).toEqual(['b/2', 'c']);
        expect(await keys('c', 'a')).toEqual([]);
        await write('\xff\x00', 'last');
        expect(await keys('c')).toEqual(['c', '\xff\x00']);
      });

      it('limits, counts and says whether there is more', async () => {
        const { kvs, more, count } = await store.range({ key: 'a', rangeEnd: '\0', limit: 2 });
        expect([kvs.length, more, count]).toEqual([2, true, 5]);
        const all = await store.range({ key: 'a', rangeEnd: '\0', limit: 5 });
        expect([all.kvs.length, all.more, all.count]).toEqual([5, false, 5]);
        const counted = await store.range({ key: 'a', rangeEnd: '\0', countOnly: true });
        expect([counted.kvs.length, counted.more, counted.count]).toEqual([0, false, 5]);
      });

      it('leaves values out on demand', async () => {
        const { kvs } = await store.range({ key: 'a', keysOnly: true });
        expect(kvs[0]!.value).toHaveLength(0);
      });

      it('sorts, then limits', async () => {
        await write('a', 'zzz');
        const sorted = async (target: 'key' | 'version' | 'mod' | 'create' | 'value', order: 'ascend' | 'descend') => {
          const { kvs } = await store.range({ key: 'a', rangeEnd: '\0', limit: 2, sort: { target, order } });
          return kvs.map(({ key }) => key);
        };
        expect(await sorted('key', 'descend')).toEqual(['c', 'b/2']);
        expect(await sorted('mod', 'descend')).toEqual(['a', 'c']);
        expect(await sorted('create', 'ascend')).toEqual(['a', 'b']);
        expect(await sorted('version', 'descend')).toEqual(['a', 'b']);
        expect(await sorted('value', 'descend')).toEqual(['a', 'c']);
      });

      it('filters by revision without changing the count', async () => {
        const filtered = await store.range({ key: 'a', rangeEnd: '\0', minModRevision: 3, maxCreateRevision: 4 });
        expect(filtered.kvs.map(({ key }) => key)).toEqual(['b', 'b/1']);
        expect(filtered.count).toBe(5);
      });

      it('reads the past', async () => {
        await write('b', 'changed');
        await store.deleteRange({ key: 'a', rangeEnd: '\0' });
        expect(await keys('a')).toEqual([]);
        const past = await store.range({ key: 'b', rangeEnd: 'c', revision: 6 });
        expect(past.kvs.map(({ value }) => read(value))).toEqual(['value of b', 'value of b/1', 'value of b/2']);
        expect(past.revision).toBe(8);
      });

      it('refuses the future, and keys that are none', async () => {
        expect(await code(store.range({ key: 'a', revision: 7 }))).toBe(
          'future-revision: etcdserver: mvcc: required revision is a future revision',
        );
        expect(await code(store.range({ key: '' }))).toBe('empty-key: etcdserver: key is not provided');
        expect(await code(store.put({ key: 'ключ', value: text('') }))).toMatch(/^invalid-argument: /);
      });
    });

    describe('put', () => {
      it('returns what was there, and can keep value or lease', async () => {
        const { id } = await store.leaseGrant(60);
        await store.put({ key: 'a', value: text('1'), lease: id });
        const kept = await store.put({ key: 'a', value: text(''), ignoreValue: true, ignoreLease: true, prevKv: true });
        expect(kept.prevKv).toMatchObject({ key: 'a', modRevision: 2, version: 1 });
        expect((await store.range({ key: 'a' })).kvs[0]).toMatchObject({ version: 2, lease: id, value: text('1') });
        await store.put({ key: 'a', value: text('2') });
        expect((await store.leaseStatus(id)).keys).toEqual([]);
      });

      it('refuses contradictions', async () => {
        const value = text('x');
        expect(await code(store.put({ key: 'a', value, ignoreValue: true }))).toMatch('value is provided');
        expect(await code(store.put({ key: 'a', value, lease: 5n, ignoreLease: true }))).toMatch('lease is provided');
        expect(await code(store.put({ key: 'a', value: text(''), ignoreValue: true }))).toMatch('key not found');
        expect(await code(store.put({ key: 'a', value, lease: 5n }))).toBe(
          'lease-not-found: etcdserver: requested lease not found',
        );
        expect((await store.status()).revision).toBe(1);
      });

      it('refuses numbers that are none, before they reach the log', async () => {
        const compare = { key: 'a', target: 'mod', result: 'equal', operand: 0.5 } as const;
        for (const attempt of [
          store.compact(-5),
          store.compact(NaN),
          store.range({ key: 'a', limit: -1 }),
          store.range({ key: 'a', revision: 1.5 }),
          store.leaseGrant(NaN),
          store.txn({ compare: [compare], success: [put('a')] }),
          store.txn({ compare: [{ ...compare, target: 'value' }], success: [put('a')] }),
        ]) {
          expect(await code(attempt)).toMatch(/^invalid-argument: /);
        }
        expect((await store.leaseGrant(-7)).ttl).toBe(2);
        expect(await write('a', 'fine')).toBe(2);
      });

      it('refuses what is too large, and survives it', async () => {
        // Above etcd's limit for requests, and below gRPC's.
        expect(await code(store.put({ key: 'a', value: new Uint8Array(1.8 * 1024 * 1024) }))).toBe(
          'request-too-large: etcdserver: request is too large',
        );
        expect(await write('a', 'small')).toBe(2);
      });
    });

    describe('txn', () => {
      it('does all or nothing under one revision', async () => {
        await write('a', '1');
        const compare = { key: 'a', target: 'mod', result: 'equal', operand: 2 } as const;
        const won = await store.txn({ compare: [compare], success: [put('a', '2'), put('b', '2')], failure: [] });
        expect([won.succeeded, won.revision]).toEqual([true, 3]);
        const read = { type: 'range', request: { key: 'a' } } as const;
        const lost = await store.txn({ compare: [compare], success: [put('a', '3')], failure: [read] });
        expect([lost.succeeded, lost.revision]).toEqual([false, 3]);
        expect(lost.responses[0]).toMatchObject({ type: 'range', response: { kvs: [{ modRevision: 3, version: 2 }] } });
      });

      it.each([
        ['version', 'equal', 2, true],
        ['version', 'greater', 1, true],
        ['version', 'less', 2, false],
        ['create', 'not-equal', 2, false],
        ['mod', 'less', 4, true],
        ['value', 'equal', text('2'), true],
        ['value', 'greater', text('1'), true],
        ['value', 'less', text('2'), false],
        ['lease', 'equal', 0n, true],
      ] as const)('compares %s %s %p', async (target, result, operand, expected) => {
        await write('a', '1');
        await write('a', '2');
        const { succeeded } = await store.txn({ compare: [{ key: 'a', target, result, operand }], success: [] });
        expect(succeeded).toBe(expected);
      });

      it('takes a missing key for zeros, and its value for incomparable', async () => {
        const test = async (target: 'version' | 'create' | 'mod' | 'lease', operand: number | bigint) =>
          (await store.txn({ compare: [{ key: 'no', target, result: 'equal', operand }], success: [] })).succeeded;
        expect(await Promise.all([test('version', 0), test('create', 0), test('mod', 0), test('lease', 0n)])).toEqual([
          true,
          true,
          true,
          true,
        ]);
        const value = { key: 'no', target: 'value', result: 'not-equal', operand: text('x') } as const;
        expect((await store.txn({ compare: [value], success: [] })).succeeded).toBe(false);
      });

      it('compares every key of a range', async () => {
        await write('a/1', 'x');
        await write('a/2', 'x');
        const all = { key: 'a/', rangeEnd: 'a0', target: 'value', result: 'equal', operand: text('x') } as const;
        expect((await store.txn({ compare: [all], success: [] })).succeeded).toBe(true);
        await write('a/3', 'y');
        expect((await store.txn({ compare: [all], success: [] })).succeeded).toBe(false);
      });

      it('sees its own writes, and nests', async () => {
        const { responses, revision } = await store.txn({
          compare: [],
          success: [
            put('a', '1'),
            { type: 'range', request: { key: 'a', rangeEnd: '\0' } },
            {
              type: 'txn',
              // Compared with the state before the transaction.
              request: {
                compare: [{ key: 'a', target: 'version', result: 'equal', operand: 0 }],
                success: [put('b', '2')],
                failure: [put('b', 'wrong')],
              },
            },
          ],
        });
        expect(revision).toBe(2);
        expect(responses[1]).toMatchObject({ response: { revision: 2, count: 1, kvs: [{ key: 'a', version: 1 }] } });
        expect(responses[2]).toMatchObject({ type: 'txn', response: { succeeded: true } });
        expect(await keys('a')).toEqual(['a', 'b']);
      });

      it('refuses overlapping changes and long lists', async () => {
        const attempt = (success: RequestOp[]): Promise<string> => code(store.txn({ compare: [], success }));
        const duplicate = 'duplicate-key: etcdserver: duplicate key given in txn request';
        expect(await attempt([put('a'), put('a')])).toBe(duplicate);
        expect(await attempt([put('b'), del('a', 'c')])).toBe(duplicate);
        // As in etcd, which does not take this for a range.
        expect(await attempt([put('b'), del('a', '\0')])).toMatch('not refused');
        const nested: RequestOp = { type: 'txn', request: { compare: [], success: [put('x')], failure: [put('x')] } };
        expect(await attempt([nested, put('x')])).toBe(duplicate);
        expect(await attempt([nested])).toMatch('not refused');
        expect(await attempt(Array.from({ length: 129 }, (_, n) => put(`k${n}`)))).toBe(
          'too-many-operations: etcdserver: too many operations in txn request',
        );
      });

      it('changes nothing if one part is refused', async () => {
        const bad: RequestOp = { type: 'put', request: { key: 'b', value: text(''), lease: 9n } };
        expect(await code(store.txn({ compare: [], success: [put('a'), bad] }))).toMatch('lease not found');
        const future: RequestOp = { type: 'range', request: { key: 'a', revision: 99 } };
        expect(await code(store.txn({ compare: [], success: [put('a'), future] }))).toMatch('future revision');
        expect(await keys('a')).toEqual([]);
        expect((await store.status()).revision).toBe(1);
      });
    });

    describe('compaction', () => {
      it('forgets what was superseded and keeps what a reader at its revision sees', async () => {
        await write('a', '1');
        await write('a', '2');
        await write('b', '1');
        await store.deleteRange({ key: 'b' });
        await write('a', '3');
        await store.compact(4);
        expect(await code(store.range({ key: 'a', revision: 3 }))).toBe(
          'compacted: etcdserver: mvcc: required revision has been compacted',
        );
        const past = await store.range({ key: 'a', rangeEnd: '\0', revision: 4 });
        expect(past.kvs.map(({ key, value }) => `${key}=${read(value)}`)).toEqual(['a=2', 'b=1']);
        expect([undefined, 4]).toContain((await store.status()).compactRevision);
        expect(await code(store.compact(4))).toMatch('compacted');
        expect(await code(store.compact(7))).toMatch('future revision');
      });
    });

    describe('watch', () => {
      it('hears of each write that follows it, and never of half a transaction', async () => {
        const { log } = record('a', { prevKv: true });
        await write('a', '1');
        await store.txn({ compare: [], success: [put('a', '2'), put('b', '2'), del('c')] });
        await store.deleteRange({ key: 'a', rangeEnd: '\0' });
        await until(() => log.length >= 3);
        expect(log).toEqual(['2: put a=1', '3: put a=2 was 1, put b=2', '4: delete a= was 2, delete b= was 2']);
      });

      it('starts from a past revision and goes on without gap or repetition', async () => {
        for (let n = 2; n <= 30; n++) await write(`k${n}`, String(n));
        const { batches } = record('k', { startRevision: 10 });
        const writes = Array.from({ length: 10 }, (_, n) => write(`k${n}`, 'later'));
        await Promise.all(writes);
        await until(() => batches.length >= 31);
        await write('k', 'last');
        await until(() => batches.length >= 32);
        expect(batches.map(({ revision }) => revision)).toEqual(Array.from({ length: 32 }, (_, n) => n + 10));
      });

      it('waits for a future revision', async () => {
        const { log } = record('a', { startRevision: 4 });
        for (const value of ['2', '3', '4', '5']) await write('a', value);
        await until(() => log.length >= 2);
        expect(log).toEqual(['4: put a=4', '5: put a=5']);
      });

      it('keeps to its range and its filters', async () => {
        const one = record('b', { rangeEnd: undefined });
        const some = record('a', { rangeEnd: 'c', filters: ['no-delete'] });
        await write('a', '1');
        await write('b', '2');
        await write('c', '3');
        await store.deleteRange({ key: 'a', rangeEnd: '\0' });
        await until(() => one.log.length >= 2 && some.log.length >= 2);
        expect(one.log).toEqual(['3: put b=2', '5: delete b=']);
        expect(some.log).toEqual(['2: put a=1', '3: put b=2']);
      });

      it('ends when its start is compacted, and starts at the compaction itself', async () => {
        await write('a', '1');
        await write('a', '2');
        await store.deleteRange({ key: 'a' });
        await store.compact(4);
        const late = record('a', { startRevision: 3 });
        const just = record('a', { startRevision: 4 });
        await write('a', '3');
        const expected = [...(forgetsDeletionAtCompaction ? [] : ['4: delete a=']), '5: put a=3'];
        await until(() => late.log.length > 0 && just.log.at(-1) === expected.at(-1));
        expect(late.log).toEqual(['end: etcdserver: mvcc: required revision has been compacted']);
        // One that forgets it does so when it gets round to it.
        const seen = forgetsDeletionAtCompaction ? just.log.filter((line) => !line.startsWith('4:')) : just.log;
        expect(seen).toEqual(expected);
      });

      it('can be cancelled in its own handler, and starts nothing in another', async () => {
        const seen: number[] = [];
        const inner: number[] = [];
        const ignore = (): void => undefined;
        const watch = store.watch(
          { key: 'a' },
          {
            onBatch: ({ revision }) => {
              seen.push(revision);
              watch.cancel();
              store.watch({ key: 'a' }, { onBatch: (batch) => inner.push(batch.revision), onEnd: ignore });
            },
            onEnd: () => seen.push(-1),
          },
        );
        await write('a', '1');
        await until(() => seen.length > 0);
        await write('a', '2');
        await until(() => inner.length > 0);
        expect([seen, inner]).toEqual([[2], [3]]);
      });

      it('ends with the store', async () => {
        const { log } = record('a');
        await store.close();
        expect(log).toEqual([expect.stringMatching(/^end: /)]);
        expect(await code(store.put({ key: 'a', value: text('') }))).toMatch(/^closed: /);
        expect(await code(store.range({ key: 'a' }))).toMatch(/^closed: /);
      });
    });

    describe('leases', () => {
      it('take their keys with them when they run out', async () => {
        const { id, ttl } = await store.leaseGrant(5);
        expect(ttl).toBe(5);
        for (const key of ['b', 'a']) await store.put({ key, value: text('x'), lease: id });
        await write('c', 'stays');
        const { log } = record('a');
        await advance(3_000);
        expect(await store.leaseKeepAlive(id)).toBe(5);
        await advance(3_500);
        expect(await keys('a')).toEqual(['a', 'b', 'c']);
        await advance(2_000);
        await until(() => log.length > 0);
        expect(log).toEqual(['5: delete a=, delete b=']);
        expect(await code(store.leaseKeepAlive(id))).toMatch('lease-not-found');
        expect(await store.leaseStatus(id)).toMatchObject({ ttl: -1 });
      });

      it('are told, listed and revoked', async () => {
        const { id } = await store.leaseGrant(100, 7n);
        await store.put({ key: 'a', value: text(''), lease: id });
        await advance(2_500);
        const status = await store.leaseStatus(7n);
        expect([status.grantedTtl, status.keys]).toEqual([100, ['a']]);
        expect(status.ttl).toBeGreaterThanOrEqual(96);
        expect(status.ttl).toBeLessThan(98);
        expect(await code(store.leaseGrant(5, 7n))).toBe('lease-exists: etcdserver: lease already exists');
        expect(await store.leases()).toEqual([7n]);
        await store.leaseRevoke(7n);
        expect(await keys('a')).toEqual([]);
        expect(await code(store.leaseRevoke(7n))).toMatch('lease-not-found');
        expect(await store.leases()).toEqual([]);
      });

      it('have bounds', async () => {
        expect((await store.leaseGrant(0)).ttl).toBe(2);
        expect(await code(store.leaseGrant(9_000_000_001))).toBe('invalid-argument: etcdserver: too large lease TTL');
      });
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 10_000; !condition();) {
    if (performance.now() > deadline) throw new Error('the condition never became true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
