import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { systemClock } from '#machinery';
import { issueCertificate, type KeyPair } from '#pki';
import { type Message } from '#raft';
import { createPeerTransport, type PeerHandler, type PeerTransport, type SnapshotMessage } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { eventually } from '../tools/eventually';
import { freePorts } from '../tools/free-ports';
import { type Certificates, makeCertificates } from './certificates';

const CLUSTER = 77n;

/** What one member has heard. */
class Listener implements PeerHandler {
  readonly received: Message[] = [];
  readonly unreachablePeers: bigint[] = [];
  snapshotBytes = 0;
  store: (chunk: Buffer) => Promise<void> = async () => undefined;

  receive(message: Message): void {
    this.received.push(message);
  }
  async receiveSnapshot(_message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of body) {
      await this.store(chunk);
      this.snapshotBytes += chunk.length;
    }
  }
  async answer(from: bigint, body: Buffer): Promise<Buffer> {
    if (body.toString() === 'refuse') throw new Error('not now');
    if (body.toString() === 'be silent') return new Promise(() => undefined);
    return Buffer.from(`${from} said ${body.toString()}`);
  }
  describeCluster(): Buffer {
    return Buffer.from('a cluster');
  }
  unreachable(id: bigint): void {
    this.unreachablePeers.push(id);
  }
}

interface Member {
  readonly id: bigint;
  readonly url: string;
  readonly listener: Listener;
  readonly transport: PeerTransport;
  readonly metrics: Registry;
}

let certificates: Certificates;
let ports: number[];
const open: PeerTransport[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
});
beforeEach(async () => {
  ports = await freePorts(3);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});

async function peerPair(
  authority: KeyPair,
  commonName = 'peer',
): Promise<{ certificatePem: string; keyPem: string; caPem: string; allowedNames: string[] }> {
  const subject = { commonName, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const pair = await issueCertificate(authority, { ...subject, usages: ['server', 'client'], days: 1 }, Date.now());
  return { ...pair, caPem: authority.certificatePem, allowedNames: ['peer'] };
}

async function member(
  id: number,
  clusterId = CLUSTER,
  authority = certificates.authority,
  commonName = 'peer',
  memberId = BigInt(id),
): Promise<Member> {
  const port = ports[id - 1]!;
  const metrics = new Registry();
  const transport = await createPeerTransport({
    listen: { host: '127.0.0.1', port },
    tls: await peerPair(authority, commonName),
    clock: systemClock,
    random: Math.random,
    logger: silentLogger(),
    metrics,
  });
  const listener = new Listener();
  await transport.start({ clusterId, memberId }, listener);
  open.push(transport);
  return { id: BigInt(id), url: `https://127.0.0.1:${port}`, listener, transport, metrics };
}

function introduce(...members: Member[]): void {
  for (const { id, transport } of members) {
    transport.setPeers(members.filter((peer) => peer.id !== id).map((peer) => ({ id: peer.id, urls: [peer.url] })));
  }
}

function heartbeat(from: Member, to: Member, commit: number): Message {
  return { type: 'heartbeat', from: from.id, to: to.id, term: 3, commit, context: 0n };
}

async function says(from: Member, to: Member, commit: number): Promise<void> {
  await eventually(() => {
    from.transport.send([heartbeat(from, to, commit)]);
    expect(to.listener.received).toContainEqual(heartbeat(from, to, commit));
  }, 30_000);
}

describe('members that talk', () => {
  it('hear every message of a connection, in order and once', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    const sent = Array.from({ length: 2_000 }, (_, commit) => heartbeat(a, b, commit));
    a.transport.send(sent.slice(0, 1_000));
    a.transport.send(sent.slice(1_000));
    await eventually(() => expect(b.listener.received).toHaveLength(2_000));
    expect(b.listener.received).toEqual(sent);
    expect(a.listener.unreachablePeers).toEqual([]);
  });

  it('are told that a peer is away, and reach it when it is back', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    await says(a, b, 1);
    await b.transport.close();
    await eventually(() => {
      a.transport.send([heartbeat(a, b, 2)]);
      expect(a.listener.unreachablePeers).toContain(b.id);
    });
    const again = await member(2);
    await says(a, again, 3);
  });

  it('follow a peer to its new address, and forget one that was removed', async () => {
    const [a, b, c] = [await member(1), await member(2), await member(3)];
    introduce(a, b);
    await says(a, b, 1);
    // Somebody else's address: the message is not for the member there.
    a.transport.setPeers([{ id: b.id, urls: [c.url] }]);
    await eventually(() => {
      a.transport.send([heartbeat(a, b, 2)]);
      expect(a.listener.unreachablePeers).toContain(b.id);
    });
    expect(c.listener.received).toEqual([]);
    a.transport.setPeers([{ id: b.id, urls: [c.url, b.url] }]);
    await says(a, b, 3);
    a.transport.setPeers([]);
    await expect(a.transport.request(b.id, Buffer.from('hello'), 1_000)).rejects.toThrow('is not a peer');
  });

  it('reach a peer although whoever took the connection first never says a word', async () => {
    // As a machine that loses its power in the middle of a handshake.
    const mute = net.createServer((socket) => socket.on('error', () => undefined));
    mute.listen(ports[1], '127.0.0.1');
    await once(mute, 'listening');
    const a = await member(1);
    a.transport.setPeers([{ id: 2n, urls: [`https://127.0.0.1:${ports[1]}`] }]);
    const connected = once(mute, 'connection') as Promise<[net.Socket]>;
    a.transport.send([{ type: 'heartbeat', from: 1n, to: 2n, term: 3, commit: 1, context: 0n }]);
    const [socket] = await connected;
    mute.close();
    try {
      await says(a, await member(2), 2);
    } finally {
      socket.destroy();
    }
  }, 60_000);

  it('measure what they send, what they receive, and how long the way is', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    await says(a, b, 1);
    await eventually(async () => {
      const told = await a.metrics.metrics();
      expect(told).toContain('etcd_network_active_peers{Local="1",Remote="2"} 1');
      expect(told).toMatch(/etcd_network_peer_sent_bytes_total\{To="2"\} [1-9]/);
      expect(told).toMatch(/etcd_network_peer_round_trip_time_seconds_count\{To="2"\} [1-9]/);
      expect(await b.metrics.metrics()).toMatch(/etcd_network_peer_received_bytes_total\{From="1"\} [1-9]/);
    });
    await b.transport.close();
    await eventually(async () => {
      a.transport.send([heartbeat(a, b, 2)]);
      const told = await a.metrics.metrics();
      expect(told).toContain('etcd_network_active_peers{Local="1",Remote="2"} 0');
      expect(told).toContain('etcd_network_disconnected_peers_total{Local="1",Remote="2"} 1');
      expect(told).toMatch(/etcd_network_peer_sent_failures_total\{To="2"\} [1-9]/);
    });
  }, 60_000);

  it('ask one another', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    expect((await a.transport.request(b.id, Buffer.from('hello'), 5_000)).toString()).toBe('1 said hello');
    await expect(a.transport.request(b.id, Buffer.from('refuse'), 5_000)).rejects.toThrow('not now');
    await expect(a.transport.request(b.id, Buffer.from('be silent'), 100)).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect((await a.transport.discover(b.url, 5_000)).toString()).toBe('a cluster');
  });
});

describe('a snapshot', () => {
  const message = (from: Member, to: Member): SnapshotMessage => ({
    type: 'snapshot',
    from: from.id,
    to: to.id,
    term: 2,
    snapshot: {
      index: 9,
      term: 2,
      confState: { voters: [1n, 2n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
    },
  });

  it('is sent no faster than it is stored, and is over when all of it is', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    let made = 0;
    async function* body(): AsyncGenerator<Buffer> {
      for (; made < 100; made++) yield Buffer.alloc(512 * 1024);
    }
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    b.listener.store = () => gate;
    const sent = a.transport.sendSnapshot(message(a, b), body());
    // Windows and socket buffers fill; then the sender rests while the receiver does not store.
    let before = -1;
    await eventually(() => {
      const now = made;
      expect(now === before ? now : (before = now) - 1).toBe(before);
      expect(made).toBeGreaterThan(0);
    });
    expect(made).toBeLessThan(100);
    release();
    await sent;
    expect(b.listener.snapshotBytes).toBe(100 * 512 * 1024);
  });

  it('fails when it cannot be stored, cannot be made, or its connection ends', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    let isReturned = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(64 * 1024);
      } finally {
        isReturned = true;
      }
    }
    b.listener.store = () => Promise.reject(new Error('no room'));
    await expect(a.transport.sendSnapshot(message(a, b), endless())).rejects.toThrow('no room');
    expect(isReturned).toBe(true);

    b.listener.store = async () => undefined;
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(10);
      throw new Error('a read error');
    }
    await expect(a.transport.sendSnapshot(message(a, b), broken())).rejects.toThrow('a read error');

    const sent = a.transport.sendSnapshot(message(a, b), endless());
    const failed = expect(sent).rejects.toThrow();
    await eventually(() => expect(b.listener.snapshotBytes).toBeGreaterThan(64 * 1024));
    await b.transport.close();
    await failed;
  });
});

describe('a stranger', () => {
  it('of another cluster is not heard', async () => {
    const [a, b] = [await member(1, 78n), await member(2)];
    introduce(a, b);
    await eventually(() => {
      a.transport.send([heartbeat(a, b, 1)]);
      expect(a.listener.unreachablePeers).toContain(b.id);
    });
    await expect(a.transport.request(b.id, Buffer.from('hello'), 5_000)).rejects.toThrow('cluster ID mismatch');
    expect(b.listener.received).toEqual([]);
  });

  it('that has the same identity is not heard', async () => {
    const [copy, original] = [await member(1, CLUSTER, certificates.authority, 'peer', 2n), await member(2)];
    copy.transport.setPeers([{ id: original.id, urls: [original.url] }]);
    const refusal = 'the caller has the ID of the member it calls';
    await expect(copy.transport.request(original.id, Buffer.from('hello'), 5_000)).rejects.toThrow(refusal);
    expect(original.listener.received).toEqual([]);
  });

  it('with a certificate of another authority is not heard', async () => {
    const { authority } = await makeCertificates();
    const [a, b] = [await member(1, CLUSTER, authority), await member(2)];
    introduce(a, b);
    await expect(a.transport.request(b.id, Buffer.from('hello'), 5_000)).rejects.toThrow();
    await expect(a.transport.discover(b.url, 5_000)).rejects.toThrow();
    expect(b.listener.received).toEqual([]);
  });

  it('with a certificate for something else is not heard', async () => {
    const [a, b] = [await member(1, CLUSTER, certificates.authority, 'gateway'), await member(2)];
    introduce(a, b);
    const refusal = 'gateway is not a member of the store';
    await expect(a.transport.request(b.id, Buffer.from('hello'), 5_000)).rejects.toThrow(refusal);
    await expect(a.transport.discover(b.url, 5_000)).rejects.toThrow(refusal);
    a.transport.send([heartbeat(a, b, 1)]);
    await eventually(() => expect(a.listener.unreachablePeers).toContain(b.id));
    expect(b.listener.received).toEqual([]);
  });

  it('that sends garbage disturbs nobody', async () => {
    const [a, b] = [await member(1), await member(2)];
    introduce(a, b);
    for (let attempt = 0; attempt < 20; attempt++) {
      const socket = net.connect(ports[1]!, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.resume().end(randomBytes(1_000));
      await once(socket, 'close');
    }
    await says(a, b, 1);
  });

  it('is not let in without certificates, except from this machine', async () => {
    const options = { clock: systemClock, random: Math.random, logger: silentLogger() };
    const transport = await createPeerTransport({ ...options, listen: { host: '0.0.0.0', port: 0 } });
    await expect(transport.start({ clusterId: CLUSTER, memberId: 1n }, new Listener())).rejects.toThrow('certificates');
  });
});
