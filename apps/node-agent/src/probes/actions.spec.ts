import http from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, type Server } from 'node:net';
import { Worker } from 'node:worker_threads';
import { checkRequest, grpcCheck, servingStatus } from './grpc-action';
import { httpGet, httpTarget } from './http-action';
import { ProbeState } from './probe-state';
import { tcpConnect } from './tcp-action';

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

describe('HTTP probe', () => {
  const redirects: Record<string, string> = { here: '/204', away: 'http://example.invalid/', loop: '/loop' };
  const server = http.createServer((request, response) => {
    const [, code = '200'] = (request.url ?? '').split('/');
    const location = redirects[code];
    if (location !== undefined) response.writeHead(302, { location }).end();
    else if (code === 'headers') response.end(JSON.stringify(request.headers));
    else if (code !== 'slow') response.writeHead(Number(code)).end('body');
  });
  let port: number;
  beforeAll(async () => (port = await listen(server)));
  afterAll(() => server.close().closeAllConnections());
  const probe = (path: string, timeoutMs = 2000) => httpGet(httpTarget({ path, port }, port, '127.0.0.1'), timeoutMs);

  it.each([
    ['/200', 'success', 'body'],
    ['/399', 'success', 'body'],
    ['/500', 'failure', 'HTTP probe failed with statuscode: 500'],
    ['/here', 'success', ''],
    ['/away', 'success', 'Probe terminated redirects, Response body: '],
  ])('%s is a %s', async (path, outcome, message) => {
    expect(await probe(path)).toEqual({ outcome, message });
  });

  it('gives up on loops and slow answers', async () => {
    expect((await probe('/loop')).message).toContain('stopped after 10 redirects');
    expect(await probe('/slow', 50)).toEqual({
      outcome: 'failure',
      message: `Get "http://127.0.0.1:${port}/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    });
  });

  it('takes an answer that has come while this process was not running', async () => {
    const other = new Worker(
      `
      const { parentPort } = require('node:worker_threads');
      const server = require('node:http').createServer((request, response) => response.end('there'));
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    try {
      const port = await new Promise<number>((resolve) => other.once('message', resolve));
      const asked = httpGet(httpTarget({ path: '/', port }, port, '127.0.0.1'), 500);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 750);
      expect(await asked).toEqual({ outcome: 'success', message: 'there' });
    } finally {
      await other.terminate();
    }
  });

  it('sends the headers of the probe in place of its own', async () => {
    const target = httpTarget(
      {
        path: 'headers',
        port,
        httpHeaders: [
          { name: 'user-agent', value: 'me' },
          { name: 'Host', value: 'a.b' },
        ],
      },
      port,
      '127.0.0.1',
    );
    expect(JSON.parse((await httpGet(target, 2000)).message)).toMatchObject({
      'user-agent': 'me',
      host: 'a.b',
      accept: '*/*',
    });
  });

  it('names the cause when nobody listens', async () => {
    const target = httpTarget({ path: '/', port: 1 }, 1, '127.0.0.1');
    expect((await httpGet(target, 2000)).message).toBe(
      'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused',
    );
    expect((await tcpConnect('127.0.0.1', 1, 2000)).message).toBe('dial tcp 127.0.0.1:1: connect: connection refused');
    expect((await tcpConnect('127.0.0.1', port, 2000)).outcome).toBe('success');
  });
});

describe('gRPC probe', () => {
  const server = http2.createServer();
  let port: number;
  beforeAll(async () => {
    server.on('stream', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const service = Buffer.concat(chunks).subarray(7).toString();
        const status = service === 'unknown' ? '5' : '0';
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'grpc-message': 'no%20such' }));
        stream.end(status === '0' ? Buffer.from([0, 0, 0, 0, 2, 8, service === 'sick' ? 2 : 1]) : undefined);
      });
    });
    port = await listen(server);
  });
  afterAll(() => server.close());

  it.each([
    ['', 'success', 'service healthy'],
    ['sick', 'failure', 'service unhealthy (responded with "NOT_SERVING")'],
    ['unknown', 'failure', 'error: health rpc failed: rpc error: code = 5 desc = no such'],
  ])('asks for %j: %s', async (service, outcome, message) => {
    expect(await grpcCheck('127.0.0.1', port, service, 2000)).toEqual({ outcome, message });
  });

  it('names the cause when nobody listens', async () => {
    const { outcome, message } = await grpcCheck('127.0.0.1', 1, '', 2000);
    expect(outcome).toBe('failure');
    expect(message).toContain('connection refused');
  });

  it('encodes the request as protobuf', () => {
    expect(checkRequest('ab')).toEqual(Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 97, 98]));
    expect(checkRequest('')).toEqual(Buffer.alloc(5));
    expect(servingStatus(Buffer.from([0, 0, 0, 0, 0]))).toBe(0);
  });
});

describe('ProbeState', () => {
  it.each<[string, boolean, number, number, string, boolean]>([
    ['fails at the third failure in a row', true, 1, 3, 'ffsff', true],
    ['fails at the third failure in a row', true, 1, 3, 'ffsfff', false],
    ['needs as many successes as it is told', false, 2, 1, 'sfs', false],
    ['needs as many successes as it is told', false, 2, 1, 'sfss', true],
  ])('%s', (_, start, successThreshold, failureThreshold, results, verdict) => {
    const state = new ProbeState({ successThreshold, failureThreshold }, start);
    for (const result of results) state.add(result === 's' ? 'success' : 'failure');
    expect(state.verdict).toBe(verdict);
  });
});
