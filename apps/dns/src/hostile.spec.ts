import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { type EndpointSlice } from '#api';
import { Registry, silentLogger } from '#telemetry';
import { FakeCluster, service, settle } from '#testing';
import { createDns, type DnsConfig } from '../index';
import { FrameReader, frame } from './tcp-frames';

/** What clients and other servers may do wrong, or on purpose. Whoever behaves is answered all the while. */

type Answer = ReturnType<typeof dnsPacket.decode>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const cluster = new FakeCluster().add(
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
  service('web'),
  service('many').with((many) => Object.assign(many.spec!, { clusterIP: 'None', clusterIPs: ['None'] })),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'many-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'many' } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: 1500 }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] })),
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  } as EndpointSlice,
);
const { clock } = cluster;
const WEB = 'web.default.svc.cluster.local';

async function start(upstreams: DnsConfig['upstreams'] = []): Promise<number> {
  const dns = await createDns(
    { listen: [{ address: '0.0.0.0', port: 0 }], upstreams },
    { informers: cluster.informers, clock, random: () => 0.5, logger: silentLogger(), metrics: new Registry() },
  );
  cleanups.push(() => dns.stop());
  await settle();
  return dns.addresses[0]!.port;
}

function question(name: string, type = 'A', id = 77): Buffer {
  return dnsPacket.encode({ id, type: 'query', flags: 0x100, questions: [{ name, type }] });
}

/** A UDP client with an address of its own. */
async function client(port: number, address = '127.0.0.1'): Promise<{ send(m: Buffer): void; answers: Answer[] }> {
  const socket = dgram.createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  cleanups.push(() => socket.close());
  const answers: Answer[] = [];
  socket.on('message', (message) => answers.push(dnsPacket.decode(message)));
  return { send: (message) => socket.send(message, port, '127.0.0.1'), answers };
}

const PATIENCE_MS = 20_000;

/** Lets the network do its work until the condition holds, moving the clock on by so much at a time. */
async function until(condition: () => boolean, stepMs = 0): Promise<void> {
  for (const start = performance.now(); !condition();) {
    if (performance.now() - start > PATIENCE_MS) throw new Error(`never became true: ${condition.toString()}`);
    await settle();
    if (stepMs > 0) await clock.advance(stepMs);
  }
}

/** The same while time passes. */
const passes = (condition: () => boolean): Promise<void> => until(condition, 100);

async function ask(port: number, message = question(WEB), address?: string): Promise<Answer> {
  const { send, answers } = await client(port, address);
  send(message);
  await until(() => answers.length > 0);
  return answers[0]!;
}

async function connect(port: number, localAddress = '127.0.0.1'): Promise<{ socket: net.Socket; answers: Answer[] }> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
  cleanups.push(() => socket.destroy());
  socket.on('error', () => undefined);
  const frames = new FrameReader();
  const answers: Answer[] = [];
  socket.on('data', (data) => answers.push(...frames.push(data).map((message) => dnsPacket.decode(message))));
  await once(socket, 'connect');
  return { socket, answers };
}

/** Another server, which does with a query what the test says. */
async function upstream(
  onQuery: (query: Buffer, reply: (answer: Buffer) => void) => void,
): Promise<{ address: string; port: number }> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (query, from) => onQuery(query, (answer) => socket.send(answer, from.port, from.address)));
  cleanups.push(() => socket.close());
  return { address: '127.0.0.1', port: socket.address().port };
}

function reply(query: Buffer, data: string, change: Partial<dnsPacket.Packet> = {}): Buffer {
  const { id, questions } = dnsPacket.decode(query);
  const answers = [{ type: 'A' as const, name: questions[0]!.name, ttl: 1, data }];
  return dnsPacket.encode({ id, type: 'response', questions, answers, ...change });
}

describe('messages', () => {
  const header = (flags: number, counts = '0001000000000000'): string =>
    `0007${flags.toString(16).padStart(4, '0')}${counts}`;
  const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
  const longName = Array.from({ length: 6 }, () => '3f' + '61'.repeat(63)).join('');

  test.each<[string, Buffer, string]>([
    ['a NOTIFY', bytes(`${header(0x2000)}0000010001`), 'NOTIMP'],
    ['an UPDATE', bytes(`${header(0x2800)}0000010001`), 'NOTIMP'],
    ['an operation nobody knows', bytes(`${header(0x7800)}0000010001`), 'NOTIMP'],
    ['two questions', bytes(`${header(0x0100, '0002000000000000')}00000100010000010001`), 'FORMERR'],
    ['65,535 records that are not there', bytes(`${header(0x0100, '0001ffffffffffff')}0000010001`), 'FORMERR'],
    ['a name of more than 255 bytes', bytes(`${header(0x0100)}${longName}0000010001`), 'FORMERR'],
    ['a label of a kind that is gone', bytes(`${header(0x0100)}4100010001`), 'FORMERR'],
    ['a name that points into the header', bytes(`${header(0x0100)}c00400010001`), 'FORMERR'],
    ['a name that points at itself', bytes(`${header(0x0100)}c00c00010001`), 'FORMERR'],
    ['names that point at each other', bytes(`${header(0x0100)}0161c01001 62c00c00010001`.replace(' ', '')), 'FORMERR'],
    [
      'two OPT records',
      Buffer.concat([
        bytes(`${header(0x0100, '0001000000000002')}0000010001`),
        bytes('0000291000000000000000'),
        bytes('0000291000000000000000'),
      ]),
      'FORMERR',
    ],
    ['more bytes than any query has', Buffer.concat([question(WEB), Buffer.alloc(5000)]), 'FORMERR'],
    ['class CHAOS', bytes(`${header(0x0100)}0000100003`), 'REFUSED'],
    ['class ANY', bytes(`${header(0x0100)}00000100ff`), 'REFUSED'],
    [
      'a type nobody knows',
      dnsPacket.encode({ id: 7, type: 'query', questions: [{ name: WEB, type: 'UNKNOWN_4711' }] }),
      'NOERROR',
    ],
    ['type ANY', dnsPacket.encode({ id: 7, type: 'query', questions: [{ name: WEB, type: 'ANY' }] }), 'NOERROR'],
  ])('%s', async (_, message, rcode) => {
    const port = await start();
    expect((await ask(port, message)).rcode).toBe(rcode);
    const { socket, answers } = await connect(port);
    socket.write(frame(message));
    await until(() => answers.length > 0);
    expect(answers[0]?.rcode).toBe(rcode);
  });

  test('answers, and what is too short to be anything, are not answered', async () => {
    const port = await start();
    const { send, answers } = await client(port);
    for (let size = 0; size < 12; size++) send(Buffer.alloc(size));
    send(reply(question(WEB), '192.0.2.1'));
    send(question(WEB));
    await until(() => answers.length > 0);
    await settle();
    expect(answers.map(({ id }) => id)).toEqual([77]);
  });

  test('whatever comes, the next who asks is answered', async () => {
    const port = await start();
    const { send } = await client(port, '127.0.0.2');
    const whole = dnsPacket.encode({
      ...{ id: 7, type: 'query', flags: 0x100, questions: [{ name: WEB, type: 'A' }] },
      additionals: [{ name: '.', type: 'OPT', udpPayloadSize: 1232 }],
    });
    const cut = fc.nat(whole.length).map((size) => whole.subarray(0, size));
    const changed = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 5 }).map((changes) => {
      const message = Buffer.from(whole);
      for (const [at, value] of changes) message[at] = value;
      return message;
    });
    const noise = fc.uint8Array({ maxLength: 600 }).map((some) => Buffer.from(some));
    for (const [i, message] of fc.sample(fc.oneof(cut, changed, noise), 1500).entries()) {
      send(message);
      // As fast as it reads them: none is lost.
      if (i % 50 === 49) expect((await ask(port)).rcode).toBe('NOERROR');
    }
  });
});

describe('connections', () => {
  test('one client with many of them pushes out its own, not those of others', async () => {
    const port = await start();
    const modest = await connect(port, '127.0.0.2');
    const greedy: { socket: net.Socket }[] = [];
    for (let i = 0; i < 300; i++) greedy.push(await connect(port));
    const gone = (): number => greedy.filter(({ socket }) => socket.readableEnded || socket.destroyed).length;
    await until(() => gone() >= 45);
    expect(gone()).toBe(45);
    modest.socket.write(frame(question(WEB)));
    await until(() => modest.answers.length === 1);
  });

  test.each<[string, (socket: net.Socket) => void]>([
    ['silence', () => undefined],
    ['a length and nothing', (socket) => socket.write(Buffer.from([0xff, 0xff]))],
    ['a message that comes byte by byte', (socket) => socket.write(Buffer.from([1]))],
  ])('%s ends after ten seconds, however often a byte comes', async (_, send) => {
    const port = await start();
    const { socket } = await connect(port);
    let isOver = false;
    socket.on('end', () => (isOver = true)).on('close', () => (isOver = true));
    for (let i = 0; i < 4; i++) {
      expect(isOver).toBe(false);
      send(socket);
      // The byte has arrived when a later query has been answered.
      await ask(port);
      await clock.advance(2_400);
    }
    await clock.advance(500);
    await until(() => isOver);
  });

  test('who asks again and again may stay', async () => {
    const port = await start();
    const { socket, answers } = await connect(port);
    for (let i = 1; i <= 3; i++) {
      socket.write(frame(question(WEB)));
      await until(() => answers.length === i);
      await clock.advance(9_000);
    }
    expect(socket.readableEnded).toBe(false);
  });

  test('who has closed its side is answered', async () => {
    const port = await start();
    const { socket, answers } = await connect(port);
    socket.end(Buffer.concat([frame(question(WEB)), frame(question(WEB)), Buffer.from([0, 50, 1])]));
    await until(() => answers.length === 2);
    await until(() => socket.readableEnded);
  });

  test('an empty message ends the connection', async () => {
    const { socket } = await connect(await start());
    socket.write(Buffer.from([0, 0]));
    await until(() => socket.readableEnded || socket.destroyed);
  });

  test('who asks and does not read is given up', async () => {
    const port = await start();
    const socket = net.connect({ port, host: '127.0.0.1' }).pause();
    socket.on('error', () => undefined);
    cleanups.push(() => socket.destroy());
    await once(socket, 'connect');
    let hasClosed = false;
    socket.on('close', () => (hasClosed = true));
    for (let i = 0; i < 200; i++) socket.write(frame(question('many.default.svc.cluster.local')));
    expect((await ask(port)).rcode).toBe('NOERROR');
    // Only a socket that is written to finds out that the other side has gone.
    await passes(() => {
      if (!hasClosed) socket.write(frame(question(WEB)));
      return hasClosed;
    });
    expect((await ask(port)).rcode).toBe('NOERROR');
  });
});

describe('other servers', () => {
  test('one that stalls: a client may wait with so many queries, the others and the zone are answered', async () => {
    const stalls = await upstream((query, answer) => {
      if (dnsPacket.decode(query).questions[0]?.name === 'www.example') answer(reply(query, '192.0.2.1'));
    });
    const port = await start([stalls]);
    const flood = await client(port);
    for (let i = 0; i < 600; i++) {
      flood.send(question(`x${i}.example`));
      // As fast as it reads them: none is lost.
      if (i % 50 === 49) await ask(port);
    }
    await until(() => flood.answers.length === 100);
    expect(new Set(flood.answers.map(({ rcode }) => rcode))).toEqual(new Set(['REFUSED']));
    expect((await ask(port)).rcode).toBe('NOERROR');
    expect((await ask(port, question('www.example'), '127.0.0.2')).answers).toMatchObject([{ data: '192.0.2.1' }]);
    await passes(() => flood.answers.length === 600);
    expect(flood.answers.filter(({ rcode }) => rcode === 'SERVFAIL')).toHaveLength(500);
    expect((await ask(port, question('www.example'))).rcode).toBe('NOERROR');
  });

  test('thousands of clients with the same question are one question', async () => {
    let asked = 0;
    const answers: (() => void)[] = [];
    const slow = await upstream((query, answer) => {
      asked++;
      answers.push(() => answer(reply(query, '192.0.2.1')));
    });
    const port = await start([slow]);
    const crowd = await Promise.all(Array.from({ length: 20 }, (_, i) => client(port, `127.0.1.${i + 1}`)));
    for (const { send } of crowd) send(question('www.example'));
    await until(() => answers.length === 1);
    await ask(port);
    answers[0]?.();
    await until(() => crowd.every((one) => one.answers.length === 1));
    expect(asked).toBe(1);
  });

  test('wrong ids, other questions, garbage: not taken for the answer', async () => {
    const liar = await upstream((query, answer) => {
      answer(Buffer.alloc(0));
      answer(Buffer.alloc(600, 0xff));
      answer(query);
      answer(reply(query, '192.0.2.66', { id: query.readUInt16BE(0) ^ 1 }));
      answer(reply(query, '192.0.2.66', { questions: [{ name: 'other.example', type: 'A' }] }));
      // The right id and question, but records that end early.
      answer(reply(query, '192.0.2.66').subarray(0, -2));
      answer(reply(query, '192.0.2.1'));
    });
    const port = await start([liar]);
    expect((await ask(port, question('www.example'))).answers).toMatchObject([{ data: '192.0.2.1' }]);
  });

  test.each<[string, (socket: net.Socket) => void]>([
    ['closes', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
    ['sends garbage', (socket) => void socket.end(Buffer.alloc(70_000, 7))],
    ['stalls', () => undefined],
    ['stalls within a message', (socket) => void socket.write(Buffer.from([0xff, 0xff, 0]))],
  ])('over TCP, one that %s, is an error in the end', async (_, behave) => {
    const server = net.createServer((socket) => socket.on('error', () => undefined).once('data', () => behave(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const port = await start([{ address: '127.0.0.1', port: (server.address() as net.AddressInfo).port }]);
    const { socket, answers } = await connect(port);
    socket.write(frame(question('www.example')));
    await passes(() => answers.length > 0);
    expect(answers[0]?.rcode).toBe('SERVFAIL');
  });

  test('one that does not answer is asked after the others for a while', async () => {
    const asked: string[] = [];
    let isDead = true;
    const first = await upstream((query, answer) => {
      asked.push('first');
      if (!isDead) answer(reply(query, '192.0.2.1'));
    });
    const second = await upstream((query, answer) => {
      asked.push('second');
      answer(reply(query, '192.0.2.2'));
    });
    const port = await start([first, second]);
    const { send, answers } = await client(port);
    send(question('a.example'));
    await passes(() => answers.length === 1);
    expect(asked.splice(0)).toEqual(['first', 'second']);
    await ask(port, question('b.example'));
    expect(asked.splice(0)).toEqual(['second']);
    isDead = false;
    await clock.advance(6_000);
    await ask(port, question('c.example'));
    expect(asked).toEqual(['first']);
  });

  test('a loop in which names change case ends, and asks once', async () => {
    let port = 0;
    let turns = 0;
    const mirror = await upstream((query) => {
      const { questions } = dnsPacket.decode(query);
      turns++;
      const { name } = questions[0]!;
      const other = [...name].map((c, i) => ((turns >> (i % 8)) & 1 ? c.toUpperCase() : c.toLowerCase())).join('');
      void client(port).then(({ send }) => send(question(other)));
    });
    port = await start([mirror]);
    const { send, answers } = await client(port);
    send(question('wWw.example'));
    await passes(() => answers.length === 1);
    expect(answers[0]).toMatchObject({ rcode: 'SERVFAIL', questions: [{ name: 'wWw.example' }] });
    expect(turns).toBe(1);
  });
});
