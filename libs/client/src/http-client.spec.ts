import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo } from 'node:net';
import { resources } from '#api';
import { systemClock } from '#machinery';
import { createHttpClient } from '../index';

const key = { namespace: 'default', name: 'a' };

describe('createHttpClient', () => {
  let server: http.Server;
  let handler: http.RequestListener;
  let url: string;
  beforeEach(async () => {
    server = http.createServer((request, response) => handler(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const open = (deadlineMs = 2000) =>
    createHttpClient({
      server: url,
      token: () => 'secret',
      clock: systemClock,
      random: () => 0,
      userAgent: 'tester/1.0',
      deadlineMs,
    });

  it('sends the call with its identity and parses the answer', async () => {
    const seen: unknown[] = [];
    handler = (request, response) => {
      const { method, url: path, headers } = request;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push([method, path, headers.authorization, headers['content-type'], Buffer.concat(chunks).toString()]);
        response.end('{"kind":"Pod"}');
      });
    };
    const client = open();
    expect(await client.patch(resources.pods, key, 'merge', { a: 1 })).toEqual({ kind: 'Pod' });
    expect(seen).toEqual([
      ['PATCH', '/api/v1/namespaces/default/pods/a', 'Bearer secret', 'application/merge-patch+json', '{"a":1}'],
    ]);
    await client.close();
  });

  it('honours Retry-After, and makes a Status of what is none', async () => {
    let calls = 0;
    handler = (_request, response) => {
      calls++;
      response.writeHead(calls === 1 ? 429 : 502, { 'retry-after': '0' });
      response.end(calls === 1 ? '{"kind":"Status","code":429}' : 'Bad Gateway');
    };
    const client = open();
    const error = { name: 'ApiError', code: 502, message: 'Bad Gateway' };
    await expect(client.get(resources.pods, key)).rejects.toMatchObject(error);
    expect(calls).toBe(2);
    await client.close();
  });

  it('rejects with Timeout when the answer does not come', async () => {
    handler = () => undefined;
    const client = open(20);
    await expect(client.update(resources.pods, { metadata: key })).rejects.toMatchObject({
      code: 504,
      reason: 'Timeout',
    });
    await client.close();
  });
});
