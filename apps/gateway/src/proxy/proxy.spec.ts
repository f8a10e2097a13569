import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type KeyPair, createAuthority, issueCertificate, kubeletClientRequest, nodeRequest } from '#pki';
import { type Answer, type CallOptions, type Harness, startHarness } from '../testing/harness';

const pods = '/api/v1/namespaces/default/pods';
const services = '/api/v1/namespaces/default/services';
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const portOf = (server: net.Server): number => (server.address() as AddressInfo).port;

describe('proxies', () => {
  let authority: KeyPair;
  let harness: Harness;
  /** What runs in the pod. */
  let backend: http.Server;
  /** The agent of the pod's node: joins tunnels to the backend. */
  let agent: https.Server;
  let tunnels: string[];
  const open = new Set<Duplex>();

  const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
    harness.call(method, path, options);
  const made = async (path: string, body: { metadata: { name: string }; status?: object }): Promise<void> => {
    const { status, body: object } = await call('POST', path, { body });
    expect(status).toBe(201);
    if (body.status === undefined) return;
    const answer = await call('PUT', `${path}/${body.metadata.name}/status`, {
      body: { ...(object as object), status: body.status },
    });
    expect(answer.status).toBe(200);
  };

  beforeAll(async () => {
    const now = Date.now();
    authority = await createAuthority('test', now);
    const serving = await issueCertificate(authority, nodeRequest('n1', ['127.0.0.1']), now);
    const client = await issueCertificate(authority, kubeletClientRequest(), now);
    backend = http.createServer((request, response) => {
      if (request.url === '/moved') return response.writeHead(302, { location: '/there/' }).end();
      if (request.url === '/page') {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' });
        return response.end(gzipSync('<a href="/there">there</a>'));
      }
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      return request.on('end', () => {
        const { authorization, 'impersonate-user': impersonated, 'x-forwarded-uri': uri } = request.headers;
        const told = { method: request.method, url: request.url, body, authorization, impersonated, uri };
        response.writeHead(207, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
        response.end(JSON.stringify(told));
      });
    });
    backend.on('upgrade', (_request, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.on('error', () => undefined).pipe(socket);
    });
    await once(backend.listen(0, '127.0.0.1'), 'listening');
    tunnels = [];
    const tls = { cert: serving.certificatePem, key: serving.keyPem, ca: authority.certificatePem, requestCert: true };
    agent = https.createServer(tls, (request, response) => response.end(`agent ${request.url}`));
    agent.on('upgrade', (request, socket: Duplex) => {
      tunnels.push(request.url ?? '');
      if (request.url?.endsWith('port=1'))
        return socket.end('HTTP/1.1 502 Failed\r\nConnection: close\r\n\r\nnobody there');
      const target = net.connect(portOf(backend), '127.0.0.1');
      for (const end of [socket, target]) {
        open.add(end);
        end.on('error', () => undefined);
      }
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      return socket.pipe(target).pipe(socket);
    });
    await once(agent.listen(0, '127.0.0.1'), 'listening');

    const agents = {
      certificatePem: client.certificatePem,
      keyPem: client.keyPem,
      caPem: authority.certificatePem,
    };
    harness = await startHarness(undefined, { agents });
    const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }];
    const daemonEndpoints = { kubeletEndpoint: { Port: portOf(agent) } };
    await made('/api/v1/nodes', { metadata: { name: 'n1' }, status: { addresses, daemonEndpoints } });
    const containers = [{ name: 'main', image: 'web', ports: [{ containerPort: 8080 }] }];
    const serviceAccount = await call('POST', '/api/v1/namespaces/default/serviceaccounts', {
      body: { metadata: { name: 'default' } },
    });
    expect(serviceAccount.status).toBe(201);
    const spec = { nodeName: 'n1', containers };
    await made(pods, { metadata: { name: 'web' }, spec, status: { podIP: '10.0.0.1' } } as never);
    await made(pods, { metadata: { name: 'starting' }, spec } as never);
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
    await made(services, { metadata: { name: 'web' }, spec: { ports } } as never);
    await made(services, { metadata: { name: 'empty' }, spec: { ports } } as never);
    await made(slices, {
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [
        { addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'web', namespace: 'default' } },
        { addresses: ['10.0.0.2'], conditions: { ready: false } },
      ],
    } as never);
  });
  afterAll(async () => {
    await harness.stop();
    for (const end of open) end.destroy();
    backend.close();
    agent.close();
  });

  it.each([
    [`${pods}/web/proxy/a/b%20c?x=%2F&y`, '/podTunnel/default/web?port=8080'],
    [`${pods}/web:9090/proxy/a/b%20c?x=%2F&y`, '/podTunnel/default/web?port=9090'],
    [`${services}/web:http/proxy/a/b%20c?x=%2F&y`, '/podTunnel/default/web?port=8080'],
    [`${services}/http:web:80/proxy/a/b%20c?x=%2F&y`, '/podTunnel/default/web?port=8080'],
  ])('passes on %s', async (path, tunnel) => {
    tunnels.length = 0;
    const headers = { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' };
    const answer = await call('POST', path, { body: '{"a":1}', headers });
    expect(answer.status).toBe(207);
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    const [uri] = path.split('?');
    expect(answer.body).toEqual({ method: 'POST', url: '/a/b%20c?x=%2F&y', body: '{"a":1}', uri });
    expect(tunnels).toEqual([tunnel]);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('passes on %s', async (method) => {
    expect((await call(method, `${pods}/web/proxy/`)).body).toMatchObject({ method, url: '/' });
  });

  it('passes on HEAD', async () => {
    const { status, text } = await call('HEAD', `${pods}/web/proxy/`);
    expect([status, text]).toEqual([207, '']);
  });

  it('adds the slash that relative links need', async () => {
    const { status, headers } = await call('GET', `${pods}/web/proxy?q=1`);
    expect([status, headers.location]).toEqual([301, `${pods}/web/proxy/?q=1`]);
  });

  it('leads links and redirections through itself', async () => {
    const { status, headers } = await call('GET', `${services}/web:http/proxy/moved`);
    expect([status, headers.location]).toEqual([302, `${services}/web:http/proxy/there/`]);
    const page = await fetchRaw(`${pods}/web/proxy/page`);
    expect(gunzipSync(page).toString()).toBe(`<a href="${pods}/web/proxy/there">there</a>`);
  });

  it("asks a node's agent with the gateway's certificate", async () => {
    expect((await call('GET', '/api/v1/nodes/n1/proxy/metrics')).text).toBe('agent /metrics');
    expect((await call('GET', `/api/v1/nodes/n1:${portOf(agent)}/proxy/pods/?a=b`)).text).toBe('agent /pods/?a=b');
  });

  it.each([
    [`${pods}/web:1/proxy/`, 503, 'error trying to reach service: nobody there'],
    [`${pods}/web:http/proxy/`, 503, 'error trying to reach service: dial tcp: lookup tcp/http: unknown port'],
    [`${pods}/starting/proxy/`, 400, 'address not allowed'],
    [`${pods}/ftp:web:21/proxy/`, 400, 'invalid pod request "ftp:web:21"'],
    [`${pods}/none/proxy/`, 404, 'pods "none" not found'],
    [`${services}/empty:http/proxy/`, 503, 'no endpoints available for service "empty"'],
    [`${services}/web/proxy/`, 503, 'no endpoints available for service "web"'],
    [`${services}/web:81/proxy/`, 503, 'no service port 81 found for service "web"'],
    [`${services}/none/proxy/`, 404, 'services "none" not found'],
    ['/api/v1/nodes/n1:80/proxy/', 400, 'address not allowed'],
    ['/api/v1/nodes/none/proxy/', 404, 'nodes "none" not found'],
  ])('refuses %s', async (path, code, message) => {
    const { status, body } = await call('GET', path);
    expect([status, (body as { message: string }).message]).toEqual([code, message]);
  });

  it('asks for rights to the subresource by the verb of the method', async () => {
    const headers = { 'impersonate-user': 'eve' };
    const { status, body } = await call('DELETE', `${services}/web:http/proxy/x`, { headers });
    expect(status).toBe(403);
    expect((body as { message: string }).message).toBe(
      'services "web:http" is forbidden: User "eve" cannot delete resource "services/proxy" in API group "" in the namespace "default"',
    );
  });

  it('passes on a change of protocols', async () => {
    const request = https.request(`${harness.gateway.url}${pods}/web/proxy/echo`, {
      ca: harness.authority.certificatePem,
      headers: { authorization: 'Bearer admin', connection: 'Upgrade', upgrade: 'echo' },
    });
    request.end();
    const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, Duplex];
    expect(response.headers.upgrade).toBe('echo');
    socket.write('hello');
    expect(String((await once(socket, 'data')) as unknown[])).toBe('hello');
    socket.destroy();
  });

  async function fetchRaw(path: string): Promise<Buffer> {
    const request = https.request(`${harness.gateway.url}${path}`, {
      ca: harness.authority.certificatePem,
      headers: { authorization: 'Bearer admin', 'accept-encoding': 'gzip' },
    });
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }
});
