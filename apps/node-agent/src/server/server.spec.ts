import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type Duplex } from 'node:stream';
import spdy from 'spdy-transport';
import WebSocket, { createWebSocketStream } from 'ws';
import { createAuthority, issueCertificate, kubeletClientRequest, type KeyPair, nodeRequest } from '#pki';
import { createFakeRuntime } from '#runtime';
import { channel } from '#streaming';
import { FakeClock } from '#testing';
import { Registry, silentLogger } from '#telemetry';
import { type PodManager } from '../worker/pod-manager';
import { CommandChannels } from './channels';
import { type AgentServer, startServer } from './server';
import { logOptions } from './logs';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name: 'web', uid: 'u1' },
  spec: { containers: [{ name: 'main', image: 'image' }] },
};

describe("the node's server", () => {
  let authority: KeyPair;
  let client: KeyPair;
  let server: AgentServer;
  let renew: ((pair: KeyPair) => void) | undefined;
  const clock = new FakeClock();
  const runtime = createFakeRuntime({ clock, random: () => 0.5 });

  beforeAll(async () => {
    const now = Date.now();
    authority = await createAuthority('test', now);
    const serving = await issueCertificate(authority, nodeRequest('n1', ['127.0.0.1']), now);
    client = await issueCertificate(authority, kubeletClientRequest(), now);
    const identity = { namespace: 'default', name: 'web', uid: 'u1', attempt: 0 };
    const sandboxConfig = {
      pod: identity,
      hostname: 'web',
      labels: {},
      annotations: { 'nestor.dev/fake-output': 'one\ntwo' },
      ip: '10.0.0.2',
      hostNetwork: false,
      hostPid: false,
      hostIpc: false,
      shareProcessNamespace: false,
      portMappings: [],
      sysctls: {},
    };
    await runtime.pullImage('image');
    const sandbox = await runtime.runSandbox(sandboxConfig);
    const id = await runtime.createContainer(sandbox.id, sandboxConfig, {
      name: 'main',
      attempt: 0,
      image: 'image',
      env: [],
      mounts: [],
      devices: [],
      labels: {},
      annotations: {},
      resources: {},
      security: {
        privileged: false,
        supplementalGroups: [],
        capabilitiesAdd: [],
        capabilitiesDrop: [],
        readOnlyRootFilesystem: false,
        noNewPrivileges: false,
        unmaskedProc: false,
      },
      stdin: false,
      stdinOnce: false,
      tty: false,
    });
    await runtime.startContainer(id);
    const manager = {
      find: (namespace: string, name: string) =>
        namespace === 'default' && name === 'web' ? { current: pod } : undefined,
      pods: () => [pod],
    } as unknown as PodManager;
    server = await startServer(
      {
        port: 0,
        host: '127.0.0.1',
        ...tls(serving),
        clientCaPem: authority.certificatePem,
        onRenewed: (listener) => {
          renew = listener;
          return () => (renew = undefined);
        },
      },
      { nodeName: 'n1', runtime, manager, logger: silentLogger(), clock, metrics: new Registry() },
    );
  });
  afterAll(async () => {
    await server.stop();
    expect(renew).toBeUndefined();
    await runtime.close();
  });

  const tls = ({ certificatePem, keyPem }: KeyPair) => ({ certificatePem, keyPem });
  const credentials = () => ({ ca: authority.certificatePem, cert: client.certificatePem, key: client.keyPem });

  it('changes over to a renewed certificate while it runs', async () => {
    const renewed = await issueCertificate(authority, nodeRequest('n2', ['127.0.0.1']), Date.now());
    renew?.(renewed);
    const name = await new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: '127.0.0.1', port: server.port, ...credentials() }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(name).toBe('system:node:n2');
    expect((await get('/healthz')).code).toBe(200);
  });

  const get = (path: string, options: https.RequestOptions = credentials()): Promise<{ code: number; body: string }> =>
    new Promise((resolve, reject) => {
      const request = https.get(
        { host: '127.0.0.1', port: server.port, path, agent: false, ...options },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        },
      );
      request.on('error', reject);
    });

  it('answers only clients with a certificate of the CA', async () => {
    expect(await get('/healthz')).toEqual({ code: 200, body: 'ok' });
    await expect(get('/healthz', { ca: authority.certificatePem })).rejects.toThrow();
  });

  it.each([
    ['/nope', 404, '404 page not found\n'],
    ['/containerLogs/default/other/main', 404, 'pod does not exist\n'],
    ['/containerLogs/default/web/other', 404, 'container "other" not found in pod "web"\n'],
    [
      '/containerLogs/default/web/main?previous=true',
      400,
      'previous terminated container "main" in pod "web" not found\n',
    ],
    ['/containerLogs/default/web/main?tailLines=x', 400, 'unable to decode tailLines "x"\n'],
    ['/containerLogs/default/%2e%2e%2fetc/main', 404, 'pod does not exist\n'],
    ['/containerLogs/default/%zz/main', 400, 'the path is not properly encoded\n'],
    ['/exec/default/web/main?command=ls&output=1', 400, 'unable to upgrade: missing upgrade headers in request\n'],
  ])('GET %s answers %d', async (path, code, body) => {
    expect(await get(path)).toEqual({ code, body });
  });

  it('serves logs', async () => {
    expect(await get('/containerLogs/default/web/main')).toEqual({ code: 200, body: 'one\ntwo\n' });
    expect(await get('/containerLogs/default/web/main?tailLines=1')).toEqual({ code: 200, body: 'two\n' });
  });

  it('serves pods, statistics and metrics', async () => {
    expect(JSON.parse((await get('/pods')).body)).toMatchObject({
      kind: 'PodList',
      items: [{ metadata: { name: 'web' } }],
    });
    expect(JSON.parse((await get('/stats/summary')).body)).toMatchObject({
      node: { nodeName: 'n1' },
      pods: [{ podRef: { name: 'web' }, containers: [{ name: 'main' }] }],
    });
    expect((await get('/metrics/resource')).body).toContain(
      'container_memory_working_set_bytes{container="main",namespace="default",pod="web"}',
    );
  });

  const connect = (path: string, protocol: string): WebSocket =>
    new WebSocket(`wss://127.0.0.1:${server.port}${path}`, protocol, credentials());

  /** `ws` refuses the name of the protocol, so the handshake is made by hand. */
  const connectTunnel = (path: string): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      const request = https.request({
        host: '127.0.0.1',
        port: server.port,
        path,
        ...credentials(),
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': Buffer.alloc(16).toString('base64'),
          'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
        },
      });
      request.on('error', reject);
      request.on('upgrade', (response, stream, head) => {
        expect(response.headers['sec-websocket-protocol']).toBe('SPDY/3.1+portforward.k8s.io');
        const socket = new WebSocket(null as never, undefined, {});
        const internals = socket as unknown as { _isServer: boolean; setSocket(...args: unknown[]): void };
        internals._isServer = false;
        internals.setSocket(stream, head, { maxPayload: 0, allowSynchronousEvents: true });
        resolve(socket);
      });
      request.end();
    });

  it('runs commands and reports their outcome on the error channel', async () => {
    const run = (query: string): Promise<{ channels: Record<number, string> }> =>
      new Promise((resolve, reject) => {
        const channels: Record<number, string> = {};
        const socket = connect(`/exec/default/web/main?${query}`, 'v5.channel.k8s.io');
        socket.on('message', (data: Buffer) => {
          channels[data[0]!] = (channels[data[0]!] ?? '') + data.subarray(1).toString();
        });
        socket.on('error', reject);
        socket.on('close', () => resolve({ channels }));
      });
    const echo = await run('command=echo&command=hello&output=1&error=1');
    expect(echo.channels[1]).toBe('hello\n');
    expect(JSON.parse(echo.channels[3]!)).toEqual({ metadata: {}, status: 'Success' });
    const failing = await run('command=sh&command=-c&command=exit+3&stdout=true');
    expect(JSON.parse(failing.channels[3]!)).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });

  it('refuses streams with a text before it upgrades', async () => {
    const refused = await new Promise<number>((resolve) => {
      connect('/exec/default/web/main', 'v5.channel.k8s.io').on('unexpected-response', (_, response) =>
        resolve(response.statusCode ?? 0),
      );
    });
    expect(refused).toBe(400);
  });

  it('forwards ports through a SPDY tunnel', async () => {
    const echo = net.createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as net.AddressInfo;
    const forward = jest.spyOn(runtime, 'portForward').mockImplementation(async () => net.connect(port, '127.0.0.1'));
    const socket = await connectTunnel('/portForward/default/web');
    const connection = spdy.connection.create(createWebSocketStream(socket), { protocol: 'spdy', isServer: false });
    connection.on('error', () => undefined);
    connection.start(3.1);
    const open = (streamtype: string): Promise<Duplex> =>
      new Promise((resolve, reject) => {
        const headers = { streamtype, port: '80', requestid: '0' };
        connection.request({ method: 'POST', path: '/', host: 'x', headers }, (error: Error | null, stream: Duplex) =>
          error === null ? resolve(stream) : reject(error),
        );
      });
    const error = await open('error');
    const data = await open('data');
    error.resume();
    const answer = new Promise<string>((resolve) => data.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    data.write('ping');
    expect(await answer).toBe('ping');
    expect(forward).toHaveBeenCalledWith(expect.any(String), 80);
    socket.terminate();
    echo.close();
    forward.mockRestore();
  });

  describe('a tunnel to a pod', () => {
    const tunnel = (path: string): https.RequestOptions => ({
      host: '127.0.0.1',
      port: server.port,
      path,
      ...credentials(),
      headers: { connection: 'Upgrade', upgrade: 'tcp' },
    });

    it('is a connection to a port of it', async () => {
      const forward = jest.spyOn(runtime, 'portForward');
      const request = https.request(tunnel('/podTunnel/default/web?port=80')).end();
      const [, socket] = (await once(request, 'upgrade')) as [unknown, Duplex];
      socket.write('ping');
      expect(String(await once(socket, 'data'))).toBe('ping');
      expect(forward).toHaveBeenCalledWith(expect.any(String), 80);
      forward.mockRestore();
      socket.destroy();
    });

    it.each([
      ['/podTunnel/default/none?port=80', 404, 'pod does not exist\n'],
      ['/podTunnel/default/web?port=0', 400, 'invalid port\n'],
      ['/podTunnel/default/web?port=81', 502, 'connection refused\n'],
    ])('is refused: %s', async (path, code, text) => {
      const forward = jest.spyOn(runtime, 'portForward').mockRejectedValue(new Error('connection refused'));
      const request = https.request(tunnel(path)).end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let body = '';
      for await (const chunk of response) body += String(chunk);
      expect([response.statusCode, body]).toEqual([code, text]);
      forward.mockRestore();
    });
  });
});

describe('the channels of a command', () => {
  it('send everything before the outcome, to a client that is slow too', async () => {
    const sent: Buffer[] = [];
    const socket = {
      OPEN: 1,
      readyState: 1,
      on: () => socket,
      send: (data: Buffer, _options?: unknown, done?: () => void) => {
        sent.push(data);
        if (done !== undefined) setImmediate(done);
      },
      close: () => (socket.readyState = 3),
    };
    const channels = new CommandChannels(socket as unknown as WebSocket);
    const stdout = channels.writer(channel.stdout);
    for (const text of ['a', 'b', 'c']) stdout.write(text);
    await channels.finish({ status: 'Success' });
    expect(sent.map(String)).toEqual(['\x01a', '\x01b', '\x01c', '\x03{"status":"Success"}']);
  });
});

describe('logOptions', () => {
  it('reads the query of the API', () => {
    const query = new URLSearchParams('follow=true&timestamps=true&sinceSeconds=10&limitBytes=5&stream=Stdout');
    expect(logOptions(query, 60_000)).toEqual({
      follow: true,
      timestamps: true,
      since: 50_000,
      limitBytes: 5,
      stream: 'Stdout',
    });
    expect(() => logOptions(new URLSearchParams('sinceTime=yesterday'), 0)).toThrow(
      'unable to decode sinceTime "yesterday"',
    );
  });
});
