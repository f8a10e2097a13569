import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import * as dnsPacket from 'dns-packet';
import { resources } from '#api';
import { Registry, silentLogger } from '#telemetry';
import { FakeCluster, service, settle } from '#testing';
import { createDns, type DnsConfig, type RunningDns } from '../index';
import { FrameReader, frame } from './tcp-frames';

type Answer = ReturnType<typeof dnsPacket.decode>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const cluster = (): FakeCluster =>
  new FakeCluster().add(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    service('web'),
    service('far').with((far) => (far.spec = { type: 'ExternalName', externalName: 'www.example' })),
    service('near').with(
      (near) => (near.spec = { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
    ),
  );

async function start(
  config: Partial<DnsConfig> = {},
  objects = cluster(),
): Promise<RunningDns & { port: number; metrics: Registry }> {
  const metrics = new Registry();
  const dns = await createDns(
    { listen: [{ address: '127.0.0.1', port: 0 }], upstreams: [], ...config },
    { informers: objects.informers, clock: objects.clock, random: () => 0.5, logger: silentLogger(), metrics },
  );
  cleanups.push(() => dns.stop());
  await settle();
  return { ...dns, port: dns.addresses[0]!.port, metrics };
}

/** Another server: answers from a table, counts what it was asked. */
async function upstream(
  table: Record<string, dnsPacket.Packet['answers']>,
): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const socket = dgram.createSocket('udp4');
  socket.on('message', (message, from) => {
    const { id, questions } = dnsPacket.decode(message);
    const { name, type } = questions[0]!;
    asked.push(name);
    const records = table[name.toLowerCase()];
    const answers = records?.filter((record) => record.type === type);
    const rcode = records === undefined ? 3 : 0;
    socket.send(dnsPacket.encode({ id, type: 'response', flags: rcode, questions, answers }), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanups.push(() => socket.close());
  return { port: socket.address().port, asked };
}

function question(name: string, type = 'A'): Buffer {
  return dnsPacket.encode({ id: 77, type: 'query', flags: 0x100, questions: [{ name, type }] });
}

async function send(port: number, message: Buffer): Promise<Buffer> {
  const socket = dgram.createSocket('udp4');
  try {
    socket.send(message, port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    return answer;
  } finally {
    socket.close();
  }
}

async function ask(port: number, name: string, type = 'A'): Promise<Answer> {
  const answer = dnsPacket.decode(await send(port, question(name, type)));
  expect(answer.id).toBe(77);
  return answer;
}

const data = ({ answers }: Answer): unknown[] => answers.map((record) => record.data);

test('answers for the zone, whatever the case of the letters', async () => {
  const { port } = await start();
  const answer = await ask(port, 'Web.Default.svc.CLUSTER.local');
  expect(answer).toMatchObject({ rcode: 'NOERROR', flag_aa: true });
  expect(answer.answers).toMatchObject([
    { name: 'Web.Default.svc.CLUSTER.local', type: 'A', ttl: 5, data: '10.96.0.10' },
  ]);
});

test('says no with the SOA: a name without the type is not a name that is missing', async () => {
  const { port } = await start();
  const soa = [{ type: 'SOA', name: 'cluster.local', data: { minimum: 5 } }];
  expect(await ask(port, 'web.default.svc.cluster.local', 'AAAA')).toMatchObject({
    rcode: 'NOERROR',
    answers: [],
    authorities: soa,
  });
  expect(await ask(port, 'none.default.svc.cluster.local')).toMatchObject({
    rcode: 'NXDOMAIN',
    answers: [],
    authorities: soa,
  });
});

test('follows changes at once', async () => {
  const objects = cluster();
  const { port } = await start({}, objects);
  objects.add(
    service('new').with((one) => Object.assign(one.spec!, { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'] })),
  );
  expect(data(await ask(port, 'new.default.svc.cluster.local'))).toEqual(['10.96.0.77']);
  objects.remove(resources.services, 'default/new');
  expect((await ask(port, 'new.default.svc.cluster.local')).rcode).toBe('NXDOMAIN');
});

test('passes other names on, once while the answer holds', async () => {
  const other = await upstream({ 'www.example': [{ name: 'www.example', type: 'A', ttl: 20, data: '192.0.2.1' }] });
  const objects = cluster();
  const { port } = await start({ upstreams: [{ address: '127.0.0.1', port: other.port }] }, objects);
  expect(data(await ask(port, 'www.example'))).toEqual(['192.0.2.1']);
  await objects.clock.advance(7_000);
  const cached = await ask(port, 'WWW.example');
  expect(cached.answers).toMatchObject([{ ttl: 13, data: '192.0.2.1' }]);
  expect(cached.questions[0]?.name).toBe('WWW.example');
  expect(other.asked).toHaveLength(1);
  await objects.clock.advance(13_000);
  await ask(port, 'www.example');
  expect(other.asked).toHaveLength(2);
  expect((await ask(port, 'missing.example')).rcode).toBe('NXDOMAIN');
});

test('the next server steps in for one that refuses; nobody there is SERVFAIL', async () => {
  const other = await upstream({ 'www.example': [{ name: 'www.example', type: 'A', ttl: 1, data: '192.0.2.1' }] });
  const dead = { address: '127.0.0.1', port: 1 };
  const { port } = await start({ upstreams: [dead, { address: '127.0.0.1', port: other.port }] });
  expect(data(await ask(port, 'www.example'))).toEqual(['192.0.2.1']);
  const alone = await start({ upstreams: [] });
  expect((await ask(alone.port, 'www.example')).rcode).toBe('SERVFAIL');
});

async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

test('does not ask itself', async () => {
  const self = { address: '127.0.0.1', port: await freePort() };
  await start({ listen: [self], upstreams: [self] });
  expect((await ask(self.port, 'www.example')).rcode).toBe('SERVFAIL');
});

test('two servers that ask each other: an error in the end, and one question each way', async () => {
  const [one, two] = [
    { address: '127.0.0.1', port: await freePort() },
    { address: '127.0.0.1', port: await freePort() },
  ];
  const objects = cluster();
  const servers = [
    await start({ listen: [one], upstreams: [two] }, objects),
    await start({ listen: [two], upstreams: [one] }, objects),
  ];
  let answer: Answer | undefined;
  const asked = ask(one.port, 'www.example').then((received) => (answer = received));
  while (answer === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await objects.clock.advance(100);
  }
  expect((await asked).rcode).toBe('SERVFAIL');
  const counts = await Promise.all(
    servers.map(({ metrics }) => metrics.getSingleMetric('coredns_dns_requests_total')!.get()),
  );
  expect(counts.map(({ values }) => values[0]?.value)).toEqual([2, 1]);
});

test('aliases are followed, outside and inside', async () => {
  const other = await upstream({
    'www.example': [
      { name: 'www.example', type: 'A', ttl: 20, data: '192.0.2.1' },
      { name: 'www.example', type: 'AAAA', ttl: 20, data: '2001:db8::1' },
    ],
  });
  const { port } = await start({ upstreams: [{ address: '127.0.0.1', port: other.port }] });
  expect(data(await ask(port, 'far.default.svc.cluster.local'))).toEqual(['www.example', '192.0.2.1']);
  expect(data(await ask(port, 'far.default.svc.cluster.local', 'CNAME'))).toEqual(['www.example']);
  expect(data(await ask(port, 'far.default.svc.cluster.local', 'AAAA'))).toEqual(['www.example', '2001:db8::1']);
  expect(data(await ask(port, 'near.default.svc.cluster.local'))).toEqual([
    'web.default.svc.cluster.local',
    '10.96.0.10',
  ]);
});

test('TCP: several queries over one connection, in pieces', async () => {
  const { port } = await start();
  const socket = net.connect(port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  const frames = new FrameReader();
  const answers: Answer[] = [];
  const both = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      for (const message of frames.push(bytes)) answers.push(dnsPacket.decode(message));
      if (answers.length === 2) resolve();
    });
  });
  const bytes = Buffer.concat([
    frame(question('web.default.svc.cluster.local')),
    frame(question('x.default.svc.cluster.local')),
  ]);
  socket.write(bytes.subarray(0, 1));
  await settle();
  socket.write(bytes.subarray(1, 40));
  await settle();
  socket.write(bytes.subarray(40));
  await both;
  expect(answers.map(({ rcode }) => rcode)).toEqual(['NOERROR', 'NXDOMAIN']);
});

test('garbage gets an error or nothing, and the server lives', async () => {
  const { port } = await start();
  expect((await send(port, Buffer.from('0007010000010000000000000361', 'hex'))).toString('hex')).toBe(
    '000780010000000000000000',
  );
  const socket = dgram.createSocket('udp4');
  for (let size = 0; size < 64; size++) socket.send(Buffer.alloc(size, 0xff), port, '127.0.0.1');
  expect((await ask(port, 'web.default.svc.cluster.local')).rcode).toBe('NOERROR');
  socket.close();
});

test('counts', async () => {
  const { port, metrics } = await start();
  await ask(port, 'web.default.svc.cluster.local');
  const text = await metrics.metrics();
  expect(text).toContain(
    'coredns_dns_requests_total{server="dns://:53",zone="cluster.local.",proto="udp",family="4",type="A"} 1',
  );
  expect(text).toContain(
    'coredns_dns_responses_total{server="dns://:53",zone="cluster.local.",rcode="NOERROR",plugin="kubernetes"} 1',
  );
});

test('an address that is taken is an error at start', async () => {
  const { port } = await start();
  await expect(start({ listen: [{ address: '127.0.0.1', port }] })).rejects.toThrow('EADDRINUSE');
});
