import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { type Duplex } from 'node:stream';
import spdy from 'spdy-transport';
import WebSocket, { WebSocketServer } from 'ws';
import { type Pod } from '#api';
import { channel } from '#streaming';
import { silentLogger } from '#telemetry';
import { statusOf } from '../api/api-server';
import { type ResourceTable } from '../api/resource-table';
import { type Reader } from '../registry/reader';
import { resolveRequestInfo } from '../request/request-info';
import { refusal } from './negotiate';
import { type NodeConnection } from './node-connection';
import { isStreamed, PodStreams } from './pod-streams';

const pod: Pod = { metadata: { namespace: 'default', name: 'web' }, spec: { containers: [{ name: 'main' }] } };
const succeeded = { metadata: {}, status: 'Success' };
const failed = { metadata: {}, status: 'Failure', message: 'exit code 3' };

/** Speaks `v5.channel.k8s.io`: hands out what it gets, sends what it is told. */
class FakeAgent {
  readonly paths: string[] = [];
  readonly heard: [number, string][] = [];
  private readonly server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  private socket: WebSocket | undefined;

  constructor() {
    this.server.on('connection', (socket, { url }) => {
      this.paths.push(url ?? '');
      this.socket = socket;
      socket.on('message', (message: Buffer) => this.heard.push([message[0] ?? -1, message.subarray(1).toString()]));
    });
  }

  readonly webSocket = async (_agent: unknown, path: string, protocols: readonly string[]): Promise<WebSocket> => {
    const { port } = this.server.address() as net.AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols]);
    await once(socket, 'open');
    socket.pause();
    return socket;
  };

  say(number: number, text: string): void {
    this.socket?.send(Buffer.concat([Buffer.of(number), Buffer.from(text)]));
  }

  end(status: object): void {
    this.say(channel.error, JSON.stringify(status));
    this.socket?.close(1000);
  }

  stop(): void {
    for (const client of this.server.clients) client.terminate();
    this.server.close();
  }
}

describe('streams to pods, for clients that do not speak as agents do', () => {
  let agent: FakeAgent;
  let server: http.Server;
  let echo: net.Server;
  let port: number;

  beforeEach(async () => {
    agent = new FakeAgent();
    echo = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    server = http.createServer().listen(0, '127.0.0.1');
    await Promise.all([once(echo, 'listening'), once(server, 'listening')]);
    ({ port } = server.address() as net.AddressInfo);
    const tunnel = async (_agent: unknown, _pod: Pod, wanted: number): Promise<Duplex> => {
      if (wanted !== 80) throw new Error('connection refused');
      return net.connect((echo.address() as net.AddressInfo).port, '127.0.0.1');
    };
    const nodes = { agentOf: () => ({ host: 'node', port: 1 }), webSocket: agent.webSocket, tunnel };
    const table = { require: () => undefined } as unknown as ResourceTable;
    const reader = { get: () => Promise.resolve({ object: pod }) } as unknown as Reader;
    const streams = new PodStreams(table, reader, nodes as unknown as NodeConnection, silentLogger());
    server.on('upgrade', (incoming: http.IncomingMessage, client: Duplex, head: Buffer) => {
      client.on('error', () => client.destroy());
      const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://x');
      const info = resolveRequestInfo('GET', pathname, searchParams);
      if (!isStreamed(info.subresource)) throw new Error('not a stream');
      streams.connect({ incoming, client, head }, info, info.subresource, searchParams).catch((error: unknown) => {
        const { code, body } = statusOf(error);
        client.end(refusal(code, body as object));
      });
    });
  });
  afterEach(() => {
    agent.stop();
    echo.close();
    server.closeAllConnections();
    server.close();
  });

  const path = (subresource: string, query: string): string =>
    `/api/v1/namespaces/default/pods/web/${subresource}?${query}`;

  const webSocket = async (where: string, protocol: string): Promise<{ socket: WebSocket; messages: string[] }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${where}`, protocol === '' ? [] : [protocol]);
    const messages: string[] = [];
    socket.on('message', (message: Buffer) => messages.push(message.toString('latin1')));
    await once(socket, 'open');
    return { socket, messages };
  };

  const refused = (where: string, headers: http.OutgoingHttpHeaders): Promise<{ code?: number; message: string }> =>
    new Promise((resolve, reject) => {
      const request = http.get({
        host: '127.0.0.1',
        port,
        path: where,
        headers: { connection: 'Upgrade', ...headers },
      });
      request.on('error', reject).on('response', (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () =>
          resolve({ code: response.statusCode, message: (JSON.parse(text) as { message: string }).message }),
        );
      });
    });

  describe.each([
    ['', '\x01out', '\x03exit code 3', '\x00in'],
    ['channel.k8s.io', '\x01out', '\x03exit code 3', '\x00in'],
    ['base64.channel.k8s.io', '1b3V0', `3${Buffer.from('exit code 3').toString('base64')}`, '0aW4='],
    ['v4.base64.channel.k8s.io', '1b3V0', `3${Buffer.from(JSON.stringify(failed)).toString('base64')}`, '0aW4='],
  ])('a command by WebSocket, protocol "%s"', (protocol, output, outcome, input) => {
    it('has input, output and an outcome', async () => {
      const query = 'command=sh&command=-c+x&stdin=True&stdout=1&stderr=0';
      const { socket, messages } = await webSocket(path('exec', query), protocol);
      expect(socket.protocol).toBe(protocol);
      expect(agent.paths).toEqual(['/exec/default/web/main?command=sh&command=-c+x&stdin=true&stdout=true']);
      socket.send(input);
      await until(() => agent.heard.length > 0);
      expect(agent.heard).toEqual([[channel.stdin, 'in']]);
      agent.say(channel.stdout, 'out');
      agent.end(failed);
      expect((await once(socket, 'close'))[0]).toBe(1000);
      expect(messages).toEqual([output, outcome]);
    });
  });

  it('tells older protocols nothing of success but that the command began', async () => {
    const { socket, messages } = await webSocket(path('attach', 'stdin=true'), 'channel.k8s.io');
    agent.say(channel.error, '');
    agent.end(succeeded);
    await once(socket, 'close');
    expect(messages).toEqual(['\x03']);
  });

  it('ends the command of a client that has gone', async () => {
    const { socket } = await webSocket(path('exec', 'command=x&stdout=true'), 'channel.k8s.io');
    const ended = agentClosed();
    socket.terminate();
    await ended;
  });

  it('ends the command of a client whose handshake is none', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': 'channel.k8s.io' };
    const request = http.get({ host: '127.0.0.1', port, path: path('exec', 'command=x&stdout=true'), headers });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    expect(response.statusCode).toBe(400);
    response.resume();
    await agentClosed();
  });

  const agentClosed = (): Promise<void> =>
    until(() => (agent as unknown as { socket: WebSocket }).socket.readyState === WebSocket.CLOSED);

  it('refuses what it cannot speak', async () => {
    const where = path('exec', 'command=x&stdout=true');
    const key = { 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16).toString('base64') };
    expect(await refused(where, { upgrade: 'h2c' })).toEqual({ code: 400, message: 'Upgrade request required' });
    const unknown = await refused(where, { upgrade: 'websocket', ...key, 'sec-websocket-protocol': 'a, b' });
    expect(unknown.message).toMatch(
      /^unable to upgrade: unable to negotiate protocol: client supports \[a b\], server/,
    );
    const spdyUnknown = await refused(where, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'a' });
    expect(spdyUnknown.message).toMatch(/client supports \[a\], server accepts \[v4\.channel\.k8s\.io v3/);
  });

  describe('a command by SPDY', () => {
    const connect = async (query: string, versions = 'v4.channel.k8s.io, channel.k8s.io') => {
      const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': versions };
      const request = http.get({ host: '127.0.0.1', port, path: path('exec', query), headers });
      const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, net.Socket];
      const connection = spdy.connection.create(socket, { protocol: 'spdy', isServer: false });
      connection.on('error', () => undefined);
      connection.start(3.1);
      const open = (streamtype: string): Promise<Duplex> =>
        new Promise((resolve, reject) => {
          const options = { method: 'POST', path: '/', host: 'x', headers: { streamtype } };
          connection.request(options, (error, stream) => (error === null ? resolve(stream) : reject(error)));
        });
      return { response, socket, open };
    };
    const textOf = async (stream: Duplex): Promise<string> => {
      let text = '';
      for await (const chunk of stream) text += String(chunk);
      return text;
    };

    it('begins when its streams are there, and ends them all', async () => {
      const { response, socket, open } = await connect('command=cat&stdin=true&stdout=true&stderr=true');
      expect(response.headers).toMatchObject({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' });
      agent.say(channel.stdout, 'early ');
      const [error, stdin] = [await open('error'), await open('stdin')];
      const [stdout, stderr] = [await open('stdout'), await open('stderr')];
      stdin.end('given');
      await until(() => agent.heard.length > 1);
      expect(agent.heard).toEqual([
        [channel.stdin, 'given'],
        [channel.close, '\0'],
      ]);
      agent.say(channel.stdout, 'and late');
      agent.say(channel.stderr, 'err');
      agent.end(failed);
      const [said, complained, outcome] = await Promise.all([stdout, stderr, error].map(textOf));
      expect(said).toBe('early and late');
      expect(complained).toBe('err');
      expect(JSON.parse(outcome ?? '')).toEqual(failed);
      await until(() => socket.destroyed);
    });

    it('has the terminal follow its window', async () => {
      const { open } = await connect('command=sh&stdout=true&stderr=true&tty=true');
      await Promise.all([open('error'), open('stdout')]);
      const resize = await open('resize');
      resize.write('{"Width":80,"Hei');
      resize.write('ght":24}\n{"Width":100,"Height":30}\n');
      await until(() => agent.heard.length > 1);
      expect(agent.heard).toEqual([
        [channel.resize, '{"Width":80,"Height":24}'],
        [channel.resize, '{"Width":100,"Height":30}'],
      ]);
    });

    it('has words for an outcome in the protocols before the fourth', async () => {
      const { open } = await connect('command=x&stdout=true', 'v2.channel.k8s.io');
      const error = await open('error');
      await open('stdout');
      agent.end(failed);
      expect(await textOf(error)).toBe('exit code 3');
    });
  });

  describe('ports by WebSocket', () => {
    const announced = (number: number, wanted: number): string => String.fromCharCode(number, wanted, 0);

    it('are announced, carry bytes both ways, and say what went wrong', async () => {
      const { socket, messages } = await webSocket(path('portforward', 'ports=80,81'), 'v4.channel.k8s.io');
      socket.send('\x00ping');
      socket.send('\x02into the void');
      await until(() => messages.length === 6);
      expect(messages.slice(0, 4)).toEqual([0, 1, 2, 3].map((number) => announced(number, number < 2 ? 80 : 81)));
      expect(messages.slice(4).sort()).toEqual(['\x00ping', '\x03error forwarding port 81: connection refused']);
      socket.close();
      await once(socket, 'close');
    });

    it('end with the last connection', async () => {
      const { socket, messages } = await webSocket(path('portforward', 'ports=81'), 'v4.base64.channel.k8s.io');
      await once(socket, 'close');
      expect(messages.map((message) => message[0])).toEqual(['0', '1', '1']);
    });

    it.each([
      ['', 'query parameter "port" is required'],
      ['ports=x', 'unable to parse "x" as a port'],
      ['ports=80,0', 'port "0" must be > 0'],
      ['ports=65536', 'unable to parse "65536" as a port'],
    ])('are refused: %s', async (query, message) => {
      const key = { 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16).toString('base64') };
      const headers = { upgrade: 'websocket', ...key, 'sec-websocket-protocol': 'v4.channel.k8s.io' };
      expect(await refused(path('portforward', query), headers)).toEqual({ code: 400, message });
    });
  });
});

/** What other sockets do in their own time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
