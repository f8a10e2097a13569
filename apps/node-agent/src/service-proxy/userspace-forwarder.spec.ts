import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { type Backend, type RuleSet, type ServicePortRule } from '#network';
import { silentLogger } from '#telemetry';
import { FakeClock } from '#testing';
import { UserspaceForwarder } from './userspace-forwarder';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function port(of: net.Server | dgram.Socket): number {
  const address = of.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

/** A server that answers each line with its name. */
async function backend(name: string): Promise<Backend> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => socket.write(`${name}:${data.toString()}`));
    socket.on('end', () => socket.end(`${name}:end`));
    cleanups.push(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return { ip: '127.0.0.1', port: port(server) };
}

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const number = port(server);
  server.close();
  await once(server, 'close');
  return number;
}

function rules(nodePort: number, backends: Backend[], change: Partial<ServicePortRule> = {}): RuleSet {
  const all = backends.length === 0 ? ({ kind: 'reject' } as const) : ({ kind: 'balance', backends } as const);
  const name = 'default/web/tcp/';
  const rule: ServicePortRule = {
    ...{ name, protocol: 'tcp', port: 80, clusterIp: '10.96.0.50', externalIps: [], nodePort, internal: all },
    ...{ external: all, cluster: all, keepsExternalSource: false },
    ...change,
  };
  return { rules: [rule] };
}

function start(random: () => number = () => 0.5): UserspaceForwarder {
  const options = { addresses: ['127.0.0.1'], clock: new FakeClock(), random, logger: silentLogger() };
  const forwarder = new UserspaceForwarder(options);
  cleanups.push(() => forwarder.stop());
  return forwarder;
}

async function connect(to: number): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port: to, allowHalfOpen: true });
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: net.Socket, question: string): Promise<string> {
  socket.write(question);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

test('passes bytes and ends both ways', async () => {
  const nodePort = await freePort();
  expect(await start().update(rules(nodePort, [await backend('a')]))).toEqual([]);
  const socket = await connect(nodePort);
  expect(await ask(socket, 'hello')).toBe('a:hello');
  socket.end();
  const [last] = (await once(socket, 'data')) as [Buffer];
  expect(last.toString()).toBe('a:end');
  await once(socket, 'end');
});

test('balances', async () => {
  const nodePort = await freePort();
  let n = 0;
  await start(() => (n++ % 2) / 2).update(rules(nodePort, [await backend('a'), await backend('b')]));
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await ask(await connect(nodePort), '?'));
  expect(new Set(answers)).toEqual(new Set(['a:?', 'b:?']));
});

test('another backend steps in for one that refuses', async () => {
  const nodePort = await freePort();
  const dead = { ip: '127.0.0.1', port: await freePort() };
  const alive = await backend('alive');
  await start(() => 0).update(rules(nodePort, [alive, dead]));
  for (let i = 0; i < 4; i++) expect(await ask(await connect(nodePort), '?')).toBe('alive:?');
});

test('a client whose backends all refuse is reset', async () => {
  const nodePort = await freePort();
  await start().update(rules(nodePort, [{ ip: '127.0.0.1', port: await freePort() }]));
  const socket = await connect(nodePort);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

test('connections outlive their backend’s removal, and the port’s', async () => {
  const nodePort = await freePort();
  const forwarder = start();
  await forwarder.update(rules(nodePort, [await backend('a')]));
  const socket = await connect(nodePort);
  expect(await ask(socket, '1')).toBe('a:1');
  await forwarder.update(rules(nodePort, [await backend('b')]));
  expect(await ask(socket, '2')).toBe('a:2');
  expect(await ask(await connect(nodePort), '3')).toBe('b:3');
  await forwarder.update(rules(nodePort, []));
  expect(await ask(socket, '4')).toBe('a:4');
  await expect(connect(nodePort)).rejects.toThrow('ECONNREFUSED');
});

test('affinity keeps to the backend of last time', async () => {
  const nodePort = await freePort();
  let n = 0;
  const forwarder = start(() => (n++ % 2) / 2);
  await forwarder.update(rules(nodePort, [await backend('a'), await backend('b')], { affinitySeconds: 60 }));
  const first = await ask(await connect(nodePort), '?');
  for (let i = 0; i < 4; i++) expect(await ask(await connect(nodePort), '?')).toBe(first);
});

test('says which ports are taken, and opens them once they are free', async () => {
  const squatter = net.createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const nodePort = port(squatter);
  const forwarder = start();
  const wanted = rules(nodePort, [await backend('a')]);
  expect(await forwarder.update(wanted)).toEqual([`tcp/${nodePort}`]);
  squatter.close();
  await once(squatter, 'close');
  expect(await forwarder.update(wanted)).toEqual([]);
  expect(await ask(await connect(nodePort), '?')).toBe('a:?');
});

test('stop ends listeners and connections', async () => {
  const nodePort = await freePort();
  const forwarder = start();
  await forwarder.update(rules(nodePort, [await backend('a')]));
  const socket = await connect(nodePort);
  await ask(socket, '?');
  const closed = once(socket, 'close');
  socket.on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  forwarder.stop();
  await closed;
  await expect(connect(nodePort)).rejects.toThrow('ECONNREFUSED');
});

test('datagrams go to one backend per client, and answers come back', async () => {
  const server = dgram.createSocket('udp4');
  server.on('message', (message, from) => server.send(`echo:${message.toString()}`, from.port, from.address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const nodePort = await freePort();
  const forwarder = start();
  await forwarder.update(rules(nodePort, [{ ip: '127.0.0.1', port: port(server) }], { protocol: 'udp' }));
  const client = dgram.createSocket('udp4');
  cleanups.push(() => client.close());
  for (const text of ['one', 'two']) {
    client.send(text, nodePort, '127.0.0.1');
    const [answer] = (await once(client, 'message')) as [Buffer];
    expect(answer.toString()).toBe(`echo:${text}`);
  }
  await forwarder.update(rules(nodePort, []));
});

test("on addresses of Services, where these are the own host's, ports are those of the Service, each client keeping its backend", async () => {
  const [one, other] = [await backend('a'), await backend('b')];
  let last = 0;
  const forwarder = new UserspaceForwarder({
    addresses: ['127.0.0.1'],
    forwardsClusterIps: true,
    clock: new FakeClock(),
    random: () => (last = (last + 0.37) % 1),
    logger: silentLogger(),
  });
  cleanups.push(() => forwarder.stop());
  const [servicePort, nodePort] = [await freePort(), await freePort()];
  const change = { clusterIp: '127.0.5.9', port: servicePort, affinitySeconds: 60 };
  expect(await forwarder.update(rules(nodePort, [one, other], change))).toEqual([]);
  const answerTo = async (client: string): Promise<string> => {
    const socket = net.connect({ host: '127.0.5.9', port: servicePort, localAddress: client });
    socket.write('x');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString();
  };
  for (const client of ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']) {
    const first = await answerTo(client);
    expect([await answerTo(client), await answerTo(client)]).toEqual([first, first]);
  }
  await forwarder.update({ rules: [] });
  await expect(answerTo('127.0.0.2')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
