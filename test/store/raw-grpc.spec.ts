import { randomBytes } from 'node:crypto';
import { type Client } from '@grpc/grpc-js';
import { etcdserverpb, healthService, kvService, leaseService, maintenanceService, watchService } from '#etcd';
import { Random } from '#testing';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { seedOr } from '../tools/seed';
import { expectSame, type Pair, startPair } from './etcdctl';
import { RandomRequests } from './random-requests';
import { ask, bytes, plain, withClient } from './raw-client';

const { RangeRequest, PutRequest, DeleteRangeRequest, TxnRequest, CompactionRequest, WatchRequest } = etcdserverpb;

const put = (key: string, value = 'x', lease = 0n): etcdserverpb.PutRequest =>
  PutRequest.create({ key: bytes(key), value: bytes(value), lease });
const putOp = (key: string, value?: string): etcdserverpb.RequestOp => ({
  request: { $case: 'requestPut', requestPut: put(key, value) },
});
const deleteOp = (key: string, rangeEnd = ''): etcdserverpb.RequestOp => ({
  request: {
    $case: 'requestDeleteRange',
    requestDeleteRange: DeleteRangeRequest.create({ key: bytes(key), rangeEnd: bytes(rangeEnd) }),
  },
});
const nestedOp = (...success: etcdserverpb.RequestOp[]): etcdserverpb.RequestOp => ({
  request: { $case: 'requestTxn', requestTxn: TxnRequest.create({ success }) },
});
const rangeOp = (key: string, revision = 0n): etcdserverpb.RequestOp => ({
  request: { $case: 'requestRange', requestRange: RangeRequest.create({ key: bytes(key), revision }) },
});
const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** Of an answer that takes pages, its beginning tells enough. */
const MOST_SHOWN = 400;

type Question = readonly [string, (client: Client) => Promise<unknown>];
const range = (what: string, request: Partial<etcdserverpb.RangeRequest>): Question => [
  `range ${what}`,
  (client) => ask(client, kvService.range, RangeRequest.create(request)),
];
const write = (what: string, request: etcdserverpb.PutRequest): Question => [
  `put ${what}`,
  (client) => ask(client, kvService.put, request),
];
const compact = (revision: bigint): Question => [
  `compact ${revision}`,
  (client) => ask(client, kvService.compact, CompactionRequest.create({ revision })),
];
const txn = (what: string, request: Partial<etcdserverpb.TxnRequest>): Question => [
  `txn ${what}`,
  (client) => ask(client, kvService.txn, TxnRequest.create(request)),
];
const a = bytes('a');

/** What no client of good will asks for, one after the other. */
const questions: readonly Question[] = [
  ...many(6, (n) => write(`${n}`, put('a', String(n)))),
  // Revisions that are gone, or not there yet; and ranges that make no sense.
  compact(4n),
  ...[3n, 4n, 99n, -1n].map((revision) => range(`at ${revision}`, { key: a, revision })),
  ...[4n, 3n, 99n, -1n].map(compact),
  range('backwards', { key: bytes('z'), rangeEnd: a }),
  range('of less than nothing', { key: a, limit: -1n }),
  range('of no key', {}),

  // Leases that nobody granted.
  write('with a lease that is none', put('a', 'x', 99n)),
  ...[0n, 99n, -5n].flatMap((ID): Question[] => [
    [`revoke ${ID}`, (client) => ask(client, leaseService.leaseRevoke, { ID })],
    [`time to live ${ID}`, (client) => ask(client, leaseService.leaseTimeToLive, { ID, keys: true })],
  ]),
  ...[600n, 600n, 9_000_000_001n].map((TTL): Question => [
    `grant for ${TTL}`,
    (client) => ask(client, leaseService.leaseGrant, { ID: 7n, TTL }),
  ]),

  txn('a key twice', { success: [putOp('a'), putOp('a')] }),
  txn('a key either way', { success: [putOp('a')], failure: [putOp('a')] }),
  txn('a key twice, once within', { success: [putOp('a'), nestedOp(putOp('a'))] }),
  txn('a key twice, both within', { success: [nestedOp(putOp('a')), nestedOp(putOp('a'))] }),
  txn('put and deleted', { success: [putOp('b'), deleteOp('a', 'c')] }),
  txn('deleted twice', { success: [deleteOp('a', 'c'), deleteOp('b')] }),
  txn('deleted, and put within', { success: [deleteOp('a', 'c'), nestedOp(putOp('b'))] }),
  txn('128', { success: many(128, (n) => putOp(`many/${n}`)) }),
  txn('129', { success: many(129, (n) => putOp(`many/${n}`)) }),
  txn('100 either way', { success: many(100, (n) => putOp(`x/${n}`)), failure: many(100, (n) => putOp(`x/${n}`)) }),
  txn('129 within', { success: [nestedOp(...many(129, (n) => putOp(`many/${n}`)))] }),
  txn('reads what is gone', { success: [rangeOp('a', 3n)] }),
  txn('writes, and reads what is not there yet', { success: [putOp('kept'), rangeOp('a', 99n)] }),
  range('of what that wrote', { key: bytes('kept') }),
  txn('writes no key', { success: [putOp('')] }),
  txn('of nothing', {}),

  // Up to 1.5 MiB, and more than gRPC takes.
  write('large', put('large', 'v'.repeat(1_572_000))),
  write('of 1.5 MiB', put('large', 'v'.repeat(1_572_864))),
  write('of more than 2 MiB', put('large', 'v'.repeat(2 * 1024 * 1024))),
  txn('of 2 MB', { success: many(4, (n) => putOp(`l${n}`, 'v'.repeat(500_000))) }),
  range('of what those wrote', { key: bytes('l'), rangeEnd: bytes('m'), countOnly: true }),

  ...['', 'etcdserverpb.KV'].map((service): Question => [
    `health of '${service}'`,
    (client) => ask(client, healthService.check, { service }),
  ]),

  write('both values', PutRequest.create({ key: a, value: bytes('x'), ignoreValue: true })),
  write('both leases', PutRequest.create({ key: a, lease: 7n, ignoreLease: true })),
  write('the value of nobody', PutRequest.create({ key: bytes('nobody'), ignoreValue: true })),
  write('the lease of nobody', PutRequest.create({ key: bytes('nobody'), value: bytes('x'), ignoreLease: true })),
];

async function badInput(endpoint: string): Promise<string[]> {
  return withClient(endpoint, async (client) => {
    const answers: string[] = [];
    for (const [what, answer] of questions) {
      answers.push(`${what}: ${JSON.stringify(await answer(client)).slice(0, MOST_SHOWN)}`);
    }
    return answers;
  });
}

type Step =
  { readonly send: etcdserverpb.WatchRequest['requestUnion'] } | { readonly put: string } | { readonly del: string };

const create = (
  request: Partial<etcdserverpb.WatchCreateRequest>,
): { readonly send: etcdserverpb.WatchRequest['requestUnion'] } => ({
  send: { $case: 'createRequest', createRequest: etcdserverpb.WatchCreateRequest.create(request) },
});
const cancel = (watchId: bigint): Step => ({ send: { $case: 'cancelRequest', cancelRequest: { watchId } } });
const progress = { send: { $case: 'progressRequest', progressRequest: {} } } as const;

/** Each step, and how many messages come of it before the next. */
const watchSteps: readonly (readonly [Step, number])[] = [
  [{ put: 'w/1' }, 0],
  [{ put: 'w/1' }, 0],
  // Numbered by the server, and by the client; twice with the same number.
  [create({ key: bytes('w/'), rangeEnd: bytes('w0') }), 1],
  [create({ key: bytes('w/1'), watchId: 9n, prevKv: true, startRevision: 2n }), 2],
  [create({ key: bytes('w/1'), watchId: 9n }), 1],
  [{ put: 'w/1' }, 2],
  [{ del: 'w/1' }, 2],
  // Progress is that of all watches together.
  [progress, 1],
  [cancel(0n), 1],
  [{ put: 'w/1' }, 1],
  // Nobody.
  [cancel(77n), 0],
  [cancel(9n), 1],
  // Filters, and a range that is none.
  [create({ key: bytes('w/2'), filters: [etcdserverpb.WatchCreateRequest_FilterType.NOPUT] }), 1],
  [{ put: 'w/2' }, 0],
  [{ del: 'w/2' }, 1],
  [create({ key: bytes('w/3'), filters: [etcdserverpb.WatchCreateRequest_FilterType.NODELETE], prevKv: true }), 1],
  [{ put: 'w/3' }, 1],
  [{ del: 'w/3' }, 0],
  [{ put: 'w/3' }, 1],
  [create({ key: bytes('z'), rangeEnd: bytes('a') }), 1],
  // From what was compacted, and from what is not there yet.
  [create({ key: bytes('w/'), rangeEnd: bytes('w0'), startRevision: 1n, progressNotify: true }), 2],
];

async function watchMessages(endpoint: string): Promise<string[]> {
  return withClient(endpoint, async (client) => {
    const messages: string[] = [];
    const { path, requestSerialize, responseDeserialize } = watchService.watch;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('error', () => undefined);
    stream.on('data', (message) => messages.push(JSON.stringify(plain(message))));
    let expected = 0;
    try {
      for (const [step, count] of watchSteps) {
        if ('send' in step) stream.write(WatchRequest.create({ requestUnion: step.send }));
        else if ('put' in step) await ask(client, kvService.put, put(step.put));
        else await ask(client, kvService.deleteRange, DeleteRangeRequest.create({ key: bytes(step.del) }));
        await eventually(() => expect(messages.length).toBeGreaterThanOrEqual(expected + count), 30_000);
        // Watches hear of the same change in no order.
        messages.splice(expected, count, ...messages.slice(expected, expected + count).sort());
        expected += count;
      }
      // Whatever else would have come, has come before this.
      stream.write(WatchRequest.create({ requestUnion: progress.send }));
      await eventually(() => expect(messages.length).toBeGreaterThan(expected), 30_000);
      return messages;
    } finally {
      stream.cancel();
    }
  });
}

/** Events of a revision that are too large for one message arrive in parts, if the client wants it so. */
async function fragments(endpoint: string): Promise<unknown> {
  return withClient(endpoint, async (client) => {
    const parts: { readonly events: number; readonly isFragment: boolean }[] = [];
    const { path, requestSerialize, responseDeserialize } = watchService.watch;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('error', () => undefined);
    const value = randomBytes(700_000).toString('latin1');
    for (const key of ['f/1', 'f/2', 'f/3', 'f/4']) await ask(client, kvService.put, put(key, value));
    let isCreated = false;
    stream.on('data', ({ created, events, fragment }: etcdserverpb.WatchResponse) => {
      isCreated ||= created;
      if (!created) parts.push({ events: events.length, isFragment: fragment });
    });
    const request = { key: bytes('f/'), rangeEnd: bytes('f0'), fragment: true, prevKv: true };
    stream.write(WatchRequest.create({ requestUnion: create(request).send }));
    try {
      await eventually(() => expect(isCreated).toBe(true), 30_000);
      await ask(client, kvService.deleteRange, DeleteRangeRequest.create({ key: bytes('f/'), rangeEnd: bytes('f0') }));
      await eventually(() => expect(parts.reduce((sum, part) => sum + part.events, 0)).toBe(4), 30_000);
      // How large a part is, is the server's affair: ours makes smaller ones.
      const marks = parts.map(({ isFragment }) => isFragment);
      return { isSplit: parts.length > 1, areMarked: marks.slice(0, -1).every(Boolean), isLastMarked: marks.at(-1) };
    } finally {
      stream.cancel();
    }
  });
}

/** What a seed says, of everything that a client may ask for. */
function requestsByChance(seed: number): (endpoint: string) => Promise<string[]> {
  const requests = new RandomRequests(new Random(seed));
  const asked = many(REQUESTS, () => requests.next());
  return (endpoint) =>
    withClient(endpoint, async (client) => {
      const answers: string[] = [];
      for (const [what, answer] of asked) answers.push(`${what}: ${answerOf(await answer(client))}`);
      return answers;
    });
}

const REQUESTS = Number(process.env['ETCD_REQUESTS'] ?? 200);

/** A lease's keys are in no order, and its time runs. */
function answerOf(answer: unknown): string {
  const lease = answer as { TTL?: string; keys?: string[] };
  lease.keys?.sort();
  return JSON.stringify(answer).replace(/"TTL":"5\d\d"/, '"TTL":"600"');
}

describeWith(['etcd'], 'gRPC, message by message', () => {
  let pair: Pair;
  beforeEach(async () => {
    pair = await startPair();
  }, 120_000);
  afterEach(() => pair.stop());

  it('refuses bad input with the codes and words of etcd', () => expectSame(pair, badInput), 120_000);

  it('answers whatever chance asks as etcd does', () => expectSame(pair, requestsByChance(seedOr(261126603))), 120_000);

  it('streams a watch as etcd does', () => expectSame(pair, watchMessages), 120_000);
  it('streams a large event in parts, as etcd does', () => expectSame(pair, fragments), 120_000);

  it('goes back to no older version, of which there is none', async () => {
    const { VALIDATE, ENABLE, CANCEL } = etcdserverpb.DowngradeRequest_DowngradeAction;
    await withClient(pair.ours, async (client) => {
      const answer = (action: number, version: string): Promise<unknown> =>
        ask(client, maintenanceService.downgrade, { action, version });
      for (const action of [VALIDATE, ENABLE]) {
        expect(await answer(action, '3.6')).toBe('INVALID_ARGUMENT: etcdserver: invalid downgrade target version');
        expect(await answer(action, '3.5.0')).toBe('INVALID_ARGUMENT: etcdserver: invalid downgrade target version');
        for (const version of ['', '3', 'v3.5', '3.5.x']) {
          expect(await answer(action, version)).toBe(
            'INVALID_ARGUMENT: etcdserver: wrong downgrade target version format',
          );
        }
      }
      expect(await answer(CANCEL, '')).toEqual({ header: { revision: '1' }, version: '3.6' });
      expect(await answer(9, '3.5')).toBe('UNKNOWN: etcdserver: unknown method');
    });
  });
});
