import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '#machinery';
import { type Message } from '#raft';
import { createPeerTransport, type DiskStore, openStore, type PeerTransport } from '#store';
import { silentLogger } from '#telemetry';
import { eventually } from '../tools/eventually';
import { freePorts } from '../tools/free-ports';

interface Recording {
  /** Of the peer that was called. */
  readonly port: number;
  readonly bytes: Buffer[];
}

/** Passes on what callers say to a peer, and keeps it. */
function record(listen: number, port: number, recordings: Recording[]): net.Server {
  const server = net.createServer((near) => {
    const recording: Recording = { port, bytes: [] };
    recordings.push(recording);
    const far = net.connect(port, '127.0.0.1');
    near.on('data', (chunk) => recording.bytes.push(chunk));
    for (const socket of [near, far]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  return server.listen(listen, '127.0.0.1');
}

/** Says it all again, as a connection of its own. Resolves when whoever was called has heard it and ended the connection. */
async function replay(bytes: readonly Buffer[], port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  for (const chunk of bytes) socket.write(chunk);
  socket.resume().end();
  await closed;
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-replays-'));
const recordings: Recording[] = [];
const recorders: net.Server[] = [];
const stores = new Map<string, DiskStore>();

afterAll(async () => {
  for (const store of stores.values()) await store.close();
  for (const recorder of recorders) recorder.close();
  fs.rmSync(directory, { recursive: true });
});

/** Messages that got as far as a member, since it was emptied. */
const arrived: Message[] = [];

function overhear(transport: PeerTransport): PeerTransport {
  const start = transport.start.bind(transport);
  transport.start = (self, handler) => {
    const receive = handler.receive.bind(handler);
    handler.receive = (message) => {
      arrived.push(message);
      receive(message);
    };
    return start(self, handler);
  };
  return transport;
}

async function open(name: string, token: string, founders: ReadonlyMap<string, readonly number[]>): Promise<DiskStore> {
  const urls = [...founders].map(([each, [, door]]) => ({ name: each, peerUrl: `http://127.0.0.1:${door}` }));
  const store = await openStore({
    directory: path.join(directory, name),
    clock: systemClock,
    cluster: {
      name,
      peerUrls: urls.filter((each) => each.name === name).map(({ peerUrl }) => peerUrl),
      clientUrls: [`http://${name}:2379`],
      initialCluster: urls,
      token,
      state: 'new',
      catchUpBytes: 1,
      transport: overhear(
        await createPeerTransport({
          listen: { host: '127.0.0.1', port: founders.get(name)![0]! },
          clock: systemClock,
          random: Math.random,
          logger: silentLogger(),
        }),
      ),
    },
  });
  stores.set(name, store);
  return store;
}

async function leading(): Promise<DiskStore> {
  return eventually(async () => {
    for (const store of stores.values()) {
      const { leader, memberId } = await store.status();
      if (leader === memberId) return store;
    }
    throw new Error('nobody leads');
  }, 60_000);
}

/** Only once: a proposal that a follower has forwarded is carried out as often as a transport brings it. */
const write = async (store: DiskStore, key: string): Promise<unknown> =>
  store.txn({
    compare: [{ key, target: 'version', result: 'equal', operand: 0 }],
    success: [{ type: 'put', request: { key, value: Buffer.from('x'.repeat(1_000)) } }],
  });
const state = async (store: DiskStore): Promise<unknown> => {
  const { kvs, revision } = await store.range({ key: '\0', rangeEnd: '\0' });
  const members = await store.cluster.memberList(false);
  return { revision, kvs: kvs.map(({ key, modRevision, version }) => [key, modRevision, version]), members };
};

it('members let pass what others of any time, place and cluster have said before', async () => {
  const ports = await freePorts(7);
  const founders = new Map(['a', 'b', 'c'].map((name, n) => [name, [ports[2 * n]!, ports[2 * n + 1]!]]));
  for (const [port, door] of founders.values()) recorders.push(record(door!, port!, recordings));
  await Promise.all([...founders.keys()].map((name) => open(name, 'one', founders)));

  // Some terms, each with entries.
  for (let term = 0; term < 3; term++) {
    const leader = await leading();
    for (let n = 0; n < 10; n++) await write(leader, `key/${term}/${n}`);
    const { memberId } = await leader.status();
    const heir = [...stores.values()].find((store) => store !== leader)!;
    await leader.cluster.moveLeader((await heir.status()).memberId);
    expect((await heir.status()).memberId).not.toBe(memberId);
  }
  // A snapshot, for one that was away; then it is removed.
  const c = stores.get('c')!;
  stores.delete('c');
  const { memberId } = await c.status();
  await c.close();
  const leader = await leading();
  for (let n = 0; n < 20; n++) await write(leader, `away/${n}`);
  await leader.snapshot();
  const back = await open('c', 'one', founders);
  await eventually(() => back.range({ key: 'a' }), 60_000);
  stores.delete('c');
  await (await leading()).cluster.memberRemove(memberId);
  await back.close();

  const stranger = await open('d', 'another', new Map([['d', [ports[6]!, ports[6]!]]]));
  stores.delete('d');
  await write(stranger, 'theirs');
  const [a, b] = [stores.get('a')!, stores.get('b')!];
  const before = { a: await state(a), b: await state(b), stranger: await state(stranger) };
  expect(before.a).toEqual(before.b);

  // To whom it was said, and to everybody else, and once more.
  const heard = recordings.splice(0).map(({ port, bytes }) => ({ port, bytes: [...bytes] }));
  expect(heard.length).toBeGreaterThan(5);
  const { term } = await a.status();
  arrived.length = 0;
  const living = [founders.get('a')![0]!, founders.get('b')![0]!, ports[6]!];
  for (const round of [heard, [...heard].reverse()]) {
    for (const { bytes } of round) await Promise.all(living.map((port) => replay(bytes, port)));
  }

  const old = new Set(arrived.filter((message) => message.term < term).map(({ type }) => type));
  for (const type of ['append', 'append-response', 'heartbeat', 'vote', 'vote-response'] as const) {
    expect(old).toContain(type);
  }
  expect(arrived.some(({ from }) => from === memberId)).toBe(true);

  // None has fallen, and what they know is what they knew.
  await eventually(async () => {
    expect({ a: await state(a), b: await state(b), stranger: await state(stranger) }).toEqual(before);
  }, 60_000);
  await write(await leading(), 'after');
  expect((await a.range({ key: 'after' })).count + (await b.range({ key: 'after' })).count).toBe(2);
  await stranger.close();
});
