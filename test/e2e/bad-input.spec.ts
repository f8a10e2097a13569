import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Socket } from 'node:net';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { closed, RawApi, type RawRequest } from '../tools/raw-api';

const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const megabyte = 1 << 20;
const watches = 2000;

const json = (value: unknown): RawRequest => ({ body: JSON.stringify(value) });
const yaml = (body: string): RawRequest => ({ body, type: 'application/yaml' });
const configMap = (metadata: object, more: object = {}): RawRequest =>
  json({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...more });
const pod = (spec: object, name = 'p'): RawRequest =>
  json({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } });
/** A pod whose one container mounts its one volume. */
const mounting = (mount: object, volume: object = { emptyDir: {} }, name = 'p'): RawRequest =>
  pod(
    {
      containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] }],
      volumes: [{ name: 'v', ...volume }],
    },
    name,
  );
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** No request and no manifest may end the process, or make it forget anything. */
describe('bad input', () => {
  const cluster = new NestorCluster({ runtime: 'fake' });
  let api: RawApi;
  let pid: number;
  let logSeen = 0;
  /** When each connection that was left half open was ended by the server, in milliseconds. */
  const halfOpen = new Map<string, Promise<number>>();

  const outcome = (method: string, path: string, request?: RawRequest): Promise<string> =>
    api.outcome(method, path, request);
  const leaveOpen = (name: string, socket: Socket): void => {
    const begun = Date.now();
    halfOpen.set(
      name,
      closed(socket).then(() => Date.now() - begun),
    );
  };
  const memory = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

  /** What the log has gained since the last look. */
  const logged = (): string => {
    const all = readFileSync(join(cluster.home, 'nestor.log'), 'utf8');
    const added = all.slice(logSeen);
    logSeen = all.length;
    return added;
  };

  beforeAll(async () => {
    await cluster.up();
    pid = cluster.pid;
    api = new RawApi(cluster.kubeconfig);
    expect(await outcome('POST', configMaps, configMap({ name: 'before' }, { data: { kept: 'yes' } }))).toBe('201');
    // They are looked at last: the server may take its time, as long as it is bounded.
    leaveOpen('nothing sent', await api.connectPlainly());
    const hello = await api.connectPlainly();
    hello.write(Buffer.from('16030100a0010000', 'hex'));
    leaveOpen('half a TLS hello', hello);
    leaveOpen('TLS and nothing more', await api.connect());
    const request = await api.connect();
    request.write(`GET ${configMaps} HTTP/1.1\r\nHost: a\r\nX-Half`);
    leaveOpen('half a request', request);
  });
  afterEach(async () => {
    expect(await api.request('GET', '/readyz')).toMatchObject({ code: 200, text: 'ok' });
    expect(cluster.pid).toBe(pid);
    expect((await api.request('GET', `${configMaps}/before`)).text).toContain('"kept":"yes"');
    expect(logged()).not.toMatch(/unhandled rejection|internal error/);
    expect(readFileSync(join(cluster.home, 'nestor.out'), 'utf8')).not.toContain('internal error');
  });
  afterAll(async () => {
    api.close();
    await cluster.purge();
    rmSync(cluster.home, { recursive: true, force: true });
  });

  describe('in bodies', () => {
    it.each<[string, RawRequest, RegExp]>([
      ['JSON cut short', { body: '{"metadata":' }, /^400 BadRequest: .*unexpected end of JSON input/],
      ['JSON with a trailing comma', { body: '{"metadata":{},}' }, /^400 BadRequest: .*invalid character '}'/],
      ['no body', { body: '' }, /^400 BadRequest|^422 Invalid/],
      ['a list', { body: '[]' }, /^400 BadRequest: .*cannot unmarshal array into Go value/],
      ['null', { body: 'null' }, /^422 Invalid: .*name or generateName is required/],
      ['bytes that are no UTF-8', { body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }, /^400 BadRequest/],
      ['YAML that ends in the middle', yaml('a: ['), /^400 BadRequest: .*did not find expected node content/],
      ['YAML with a tab', yaml('kind: ConfigMap\n\tdata: 1\n'), /^400 BadRequest: .*cannot start any token/],
      ['YAML with an unknown alias', yaml('a: *b'), /^400 BadRequest: .*yaml: unknown anchor 'b' referenced/],
      [
        'another kind',
        json({ apiVersion: 'v1', kind: 'Secret' }),
        /^400 BadRequest: .*cannot be handled as a ConfigMap/,
      ],
      ['a kind nobody knows', json({ apiVersion: 'x/v1', kind: 'Y' }), /^400 BadRequest: .*no kind "Y" is registered/],
      [
        'a number as data',
        configMap({ name: 'a' }, { data: { a: 1 } }),
        /^400 BadRequest: .*ConfigMap\.data of type string/,
      ],
      ['text as labels', configMap({ name: 'a', labels: 'x' }), /^400 BadRequest: .*of type map\[string\]string/],
      ['an unknown media type', { body: '{}', type: 'text/html' }, /^415 UnsupportedMediaType/],
    ])('%s', async (_name, request, expected) => {
      expect(await outcome('POST', configMaps, request)).toMatch(expected);
    });

    it('has aliases that would grow without end', async () => {
      const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);
      const bomb = `a0: &a0 [x]\n${levels.join('\n')}\n`;
      expect(await outcome('POST', configMaps, yaml(bomb))).toMatch(/^400 BadRequest: .*excessive aliasing/);
    });

    it('has unknown fields: refused, warned of, or ignored', async () => {
      const body = configMap({ name: 'unknown' }, { bogus: 1 });
      const path = (validation: string): string => `${configMaps}?dryRun=All&fieldValidation=${validation}`;
      expect(await outcome('POST', path('Strict'), body)).toMatch(
        /^400 .*strict decoding error: unknown field "bogus"/,
      );
      expect((await api.request('POST', path('Warn'), body)).headers).toMatchObject({
        warning: '299 - "unknown field \\"bogus\\""',
      });
      expect((await api.request('POST', path('Ignore'), body)).headers.warning).toBeUndefined();
    });

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('is too large to be read (%s)', async (method) => {
      const path = method === 'POST' ? configMaps : `${configMaps}/big`;
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const body = Buffer.alloc(4 * megabyte, ' ');
      for (const chunked of [false, true]) {
        expect(await outcome(method, path, { body, type, chunked })).toBe(
          '413 RequestEntityTooLarge: Request entity too large: limit is 3145728',
        );
      }
    });

    it('is too large to be kept', async () => {
      const data = { data: { a: 'x'.repeat(2 * megabyte) } };
      expect(await outcome('POST', configMaps, configMap({ name: 'large' }, data))).toMatch(/^422 Invalid: .*Too long/);
      const spec = { containers: [{ name: 'c', image: 'i', args: ['x'.repeat(2 * megabyte)] }] };
      expect(await outcome('POST', pods, pod(spec))).toMatch(/^(413|500) .*too large/i);
    });

    it.each([450, 999, 5_000, 100_000, 500_000])('is nested %d deep', async (depth) => {
      expect(await outcome('POST', configMaps, { body: nested(depth) })).toMatch(/^(400|422) /);
      for (const kind of ['merge-patch', 'strategic-merge-patch']) {
        const patch = { body: nested(depth), type: `application/${kind}+json` };
        // Fields that nobody knows are dropped.
        expect(await outcome('PATCH', `${configMaps}/before`, patch)).toMatch(depth < 1000 ? /^200$/ : /^400 /);
      }
      const flow = `a: ${'['.repeat(depth)}${']'.repeat(depth)}`;
      expect(await outcome('POST', configMaps, yaml(flow))).toMatch(/^(400|422) /);
      const apply = { body: nested(depth), type: 'application/apply-patch+yaml' };
      expect(await outcome('PATCH', `${configMaps}/deep?fieldManager=me`, apply)).toMatch(/^(400|422) /);
      const test = `[{"op":"test","path":"/data","value":${nested(depth)}}]`;
      const patch = { body: test, type: 'application/json-patch+json' };
      expect(await outcome('PATCH', `${configMaps}/before`, patch)).toMatch(/^(400|422) /);
    });

    it('has keys that mean something to the language', async () => {
      const body = `{"metadata":{"name":"proto","labels":{"__proto__":"a","constructor":"b"},"__proto__":{"polluted":1}},
        "data":{"__proto__":"c","constructor":"d","toString":"e"},"__proto__":{"polluted":1},"constructor":{"prototype":{}}}`;
      expect(await outcome('POST', `${configMaps}?fieldValidation=Strict`, { body })).toMatch(
        /unknown field "__proto__"/,
      );
      // Labels begin and end with a letter or digit.
      expect(await outcome('POST', configMaps, { body })).toMatch(/^422 Invalid: .*"__proto__"/);
      const allowed = body.replace('"__proto__":"a",', '');
      expect(await outcome('POST', configMaps, { body: allowed })).toBe('201');
      for (const type of ['merge-patch', 'strategic-merge-patch']) {
        const patch = {
          body: '{"__proto__":{"polluted":1},"data":{"__proto__":"f","hasOwnProperty":"g"}}',
          type: `application/${type}+json`,
        };
        expect(await outcome('PATCH', `${configMaps}/proto`, patch)).toBe('200');
      }
      const pointer = {
        body: '[{"op":"add","path":"/__proto__/polluted","value":1}]',
        type: 'application/json-patch+json',
      };
      expect(await outcome('PATCH', `${configMaps}/proto`, pointer)).toMatch(/^422 /);
      const { text } = await api.request('GET', `${configMaps}/proto`);
      expect(text).not.toContain('polluted');
      expect(text).toContain('"__proto__":"f"');
      expect(text).toContain('"toString":"e"');
      expect(await outcome('DELETE', `${configMaps}/proto`)).toBe('200');
    });

    it('is random bytes that call themselves Protobuf', async () => {
      const type = 'application/vnd.kubernetes.protobuf';
      for (let i = 0; i < 200; i++) {
        const bytes = randomBytes(1 + i * 7);
        const body = i % 2 === 0 ? bytes : Buffer.concat([Buffer.from('k8s\0'), bytes]);
        const answer =
          i % 3 === 0 ? outcome('DELETE', `${configMaps}/none`, { body, type }) : outcome('POST', pods, { body, type });
        expect(await answer).toMatch(/^(400|404|415|422) /);
      }
    });

    it.each([
      ['json-patch+json', '{}'],
      ['json-patch+json', '[{"op":"explode"}]'],
      [
        'json-patch+json',
        '[{"op":"copy","from":"/data","path":"/data/x"},{"op":"copy","from":"/data","path":"/data/y"}]',
      ],
      ['json-patch+json', '[{"op":"add","path":"/data/a/b/c","value":1}]'],
      [
        'json-patch+json',
        JSON.stringify(Array.from({ length: 20_000 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }))),
      ],
      ['merge-patch+json', '[]'],
      ['merge-patch+json', '"text"'],
      ['strategic-merge-patch+json', '{"metadata":{"labels":[1]}}'],
      ['strategic-merge-patch+json', '{"metadata":{"$patch":"explode"}}'],
      ['apply-patch+yaml', 'a: ['],
      ['apply-patch+yaml', '- a'],
    ])('is a patch that makes no sense (%s)', async (type, body) => {
      const path = `${configMaps}/before?fieldManager=me`;
      expect(await outcome('PATCH', path, { body, type: `application/${type}` })).toMatch(
        /^(400|413|415|422|500) \w*: ./,
      );
    });
  });

  describe('in names', () => {
    it.each([
      'UPPER',
      'a_b',
      '-a',
      'a-',
      'a..b',
      '.',
      '..',
      '../x',
      'a/b',
      'a%2fb',
      'a b',
      'ü',
      'a\u0000',
      'a'.repeat(254),
    ])('an object is not called %j', async (name) => {
      expect(await outcome('POST', configMaps, configMap({ name }))).toMatch(
        /^422 Invalid: ConfigMap .* metadata\.name: Invalid value/,
      );
      expect(await outcome('POST', pods, pod({}, name))).toMatch(/^422 Invalid: Pod .* metadata\.name: Invalid value/);
    });

    it.each([
      '/api/v1/namespaces/default/configmaps/..%2Fsecrets%2Fx',
      '/api/v1/namespaces/default/configmaps/%2e%2e',
      '/api/v1/namespaces/default/configmaps/..',
      '/api/v1/namespaces/..%2F..%2Fetc/configmaps/x',
      '/api/v1/namespaces/%2e%2e/configmaps/x',
      '/api/v1/namespaces/default/configmaps/before%00',
      '/api/v1/namespaces/default/configmaps/before%2F..%2Fbefore',
      '/api/v1/namespaces/default/pods/..%2F..%2Fnodes/log',
      '/api/v1/nodes/..%2F..%2Fetc%2Fpasswd',
      '/../../../../etc/passwd',
      '/api/v1/../../etc/passwd',
      '/openapi/v3/..%2F..%2Fpackage.json',
      '/openapi/v3/../../../package.json',
      '/api/v1/namespaces/default/__proto__/x',
      '/apis/__proto__/v1/constructor',
      '/apis/apps/__proto__',
      '/openapi/v3/apis/__proto__/constructor',
    ])('a path leads nowhere else: %s', async (path) => {
      for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
        const more = method === 'PUT' || method === 'PATCH' ? { body: '{}', type: 'application/merge-patch+json' } : {};
        expect(await outcome(method, path, more)).toMatch(/^(400|403|404|405|415) /);
      }
    });

    it('percent-encoding that is none is refused', async () => {
      expect(await outcome('GET', `${configMaps}/%zz`)).toMatch(/^400 BadRequest/);
    });

    it.each([
      ['subPath', mounting({ subPath: '../../etc' }), /must not contain '\.\.'/],
      ['subPath that is absolute', mounting({ subPath: '/etc' }), /must be a relative path/],
      ['subPathExpr', mounting({ subPathExpr: '../$(A)' }), /must not contain '\.\.'/],
      ['hostPath', mounting({}, { hostPath: { path: '/tmp/../etc' } }), /must not contain '\.\.'/],
      [
        'path of a ConfigMap',
        mounting({}, { configMap: { name: 'before', items: [{ key: 'kept', path: '../../etc/x' }] } }),
        /must not contain '\.\.'|must not start with '\.\.'/,
      ],
      [
        'path of a ConfigMap that is absolute',
        mounting({}, { configMap: { name: 'before', items: [{ key: 'kept', path: '/etc/x' }] } }),
        /must be a relative path/,
      ],
      [
        'path of a Secret',
        mounting({}, { secret: { secretName: 's', items: [{ key: 'a', path: 'a/../../x' }] } }),
        /must not contain '\.\.'/,
      ],
      [
        'path of the downward API',
        mounting({}, { downwardAPI: { items: [{ path: '../x', fieldRef: { fieldPath: 'metadata.name' } }] } }),
        /must not (contain|start with) '\.\.'/,
      ],
      [
        'path of a token',
        mounting({}, { projected: { sources: [{ serviceAccountToken: { path: '../x' } }] } }),
        /must not (contain|start with) '\.\.'/,
      ],
    ])('a pod does not leave its volumes by the %s', async (_what, request, expected) => {
      const answer = await outcome('POST', pods, request);
      expect(answer).toMatch(/^422 Invalid/);
      expect(answer).toMatch(expected);
    });

    it('a key of a ConfigMap is not a path', async () => {
      for (const key of ['../x', '..', 'a/b', '']) {
        expect(await outcome('POST', configMaps, configMap({ name: 'keys' }, { data: { [key]: 'x' } }))).toMatch(
          /^422 Invalid: .*data/,
        );
      }
    });
  });

  describe('in revisions and selectors', () => {
    it('a stale resourceVersion conflicts, and changes nothing', async () => {
      await outcome('POST', configMaps, configMap({ name: 'stale' }, { data: { a: '1' } }));
      const first = (await api.request('GET', `${configMaps}/stale`)).text;
      const merge = { body: '{"data":{"b":"2"}}', type: 'application/merge-patch+json' };
      expect(await outcome('PATCH', `${configMaps}/stale`, merge)).toBe('200');
      const conflict =
        '409 Conflict: Operation cannot be fulfilled on configmaps "stale": the object has been modified; ' +
        'please apply your changes to the latest version and try again';
      expect(await outcome('PUT', `${configMaps}/stale`, { body: first })).toBe(conflict);
      expect((await api.request('GET', `${configMaps}/stale`)).text).toContain('"b":"2"');
    });

    it.each([
      ['resourceVersion=-1', /^400 /],
      ['resourceVersion=99999999999999999999', /^400 /],
      ['resourceVersion=1e3', /^400 /],
      ['watch=1&resourceVersion=x', /^500 .*invalid syntax/],
      ['continue=%00%ff', /^400 /],
      ['continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi8uLi8uLi9zZWNyZXRzLyJ9', /^400 .*continue/],
      ['limit=99999999999999999999', /^400 .*out of range/],
      ['timeoutSeconds=x', /^400 .*invalid syntax/],
      [`labelSelector=${'('.repeat(5000)}`, /^400 /],
      [`labelSelector=a%20in%20(${'x,'.repeat(5000)}`, /^400 /],
      [`fieldSelector=${'a'.repeat(50_000)}`, /^400 /],
      ['fieldSelector=metadata.name%3D%5C', /^400 /],
      ['fieldSelector=__proto__%3D1', /^400 .*not a known field selector/],
    ])('the query %p is refused', async (query, expected) => {
      expect(await outcome('GET', `${configMaps}?${query}`)).toMatch(expected);
    });

    it('a label selector may be huge', async () => {
      const selector = Array.from({ length: 20_000 }, (_, i) => `a${i}!=b`).join(',');
      expect(await outcome('GET', `${configMaps}?labelSelector=${encodeURIComponent(selector)}`)).toBe('200');
      expect(await outcome('GET', `${configMaps}?labelSelector=${'a'.repeat(300_000)}`)).toMatch(/^400 /);
    });

    it('a revision that is far ahead answers in time', async () => {
      expect(await outcome('GET', `${configMaps}?resourceVersion=999999999`)).toMatch(
        /^504 Timeout: Timeout: Too large resource version: 999999999, current: \d+$/,
      );
    });
  });

  describe('in connections', () => {
    it.each<[string, Buffer]>([
      ['HTTP without TLS', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
      ['random bytes', randomBytes(4096)],
      ['a TLS record that claims more than it may', Buffer.from('1603014fff'.padEnd(2000, 'f'), 'hex')],
      ['SSLv2', Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0'.padEnd(96, '0'), 'hex')],
    ])('garbage on the port: %s', async (_name, bytes) => {
      const socket = await api.connectPlainly();
      socket.write(bytes);
      await closed(socket);
    });

    it.each([
      ['no HTTP', 'hello\r\n\r\n'],
      ['a method nobody knows', 'EXPLODE / HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
      [
        'a length and chunks',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      ['chunks that are none', `POST ${configMaps} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`],
      ['headers of two megabytes', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2 * megabyte)}\r\n\r\n`],
      [
        'an upgrade to what is not spoken',
        `GET ${pods}/p/exec HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: quic\r\n\r\n`,
      ],
      [
        'an upgrade of something else',
        'GET /version HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      ],
      ['CONNECT', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ])('a request that is none: %s', async (_name, text) => {
      const socket = await api.connect();
      let answer = '';
      socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
      socket.write(text);
      await closed(socket);
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    });

    it('a client that goes away in the middle of its body', async () => {
      for (let i = 0; i < 50; i++) {
        const socket = await api.connect();
        socket.write(`POST ${configMaps} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{"metadata"`);
        if (i % 2 === 0) socket.destroy();
        else socket.end();
      }
    });

    it('a client that asks and does not read', async () => {
      const data = { a: 'x'.repeat(900_000) };
      expect(await outcome('POST', configMaps, configMap({ name: 'heavy' }, { data }))).toBe('201');
      const before = memory();
      const watcher = await api.connect();
      watcher.pause();
      watcher.write(`GET ${configMaps}?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n`);
      const reader = await api.connect();
      reader.pause();
      for (let i = 0; i < 100; i++) reader.write(`GET ${configMaps}/heavy HTTP/1.1\r\nHost: a\r\n\r\n`);
      for (let i = 0; i < 40; i++) {
        const body = JSON.stringify({ data: { b: String(i) } });
        expect(await outcome('PATCH', `${configMaps}/heavy`, { body, type: 'application/merge-patch+json' })).toBe(
          '200',
        );
      }
      expect(memory() - before).toBeLessThan(300 * megabyte);
      // Only who reads sees the end: what is left in the socket's buffers comes first.
      await closed(watcher);
      reader.destroy();
      expect(await outcome('DELETE', `${configMaps}/heavy`)).toBe('200');
    });

    it('a watch that begins with more than may wait for a client', async () => {
      const names = Array.from({ length: 12 }, (_, i) => `initial${i}`);
      const data = { a: 'x'.repeat(900_000) };
      for (const name of names) expect(await outcome('POST', configMaps, configMap({ name }, { data }))).toBe('201');
      const { text } = await api.request('GET', `${configMaps}?watch=1&timeoutSeconds=1`);
      for (const name of names) expect(text).toContain(`"name":"${name}"`);
      for (const name of names) expect(await outcome('DELETE', `${configMaps}/${name}`)).toBe('200');
    });

    it('thousands of watches that wait', async () => {
      const before = memory();
      const sockets: Socket[] = [];
      const seen = new Set<Socket>();
      const open = async (): Promise<void> => {
        while (sockets.length < watches) {
          const socket = await api.connect();
          sockets.push(socket);
          socket.write(`GET ${configMaps}?watch=1&fieldSelector=metadata.name%3Dsignal HTTP/1.1\r\nHost: a\r\n\r\n`);
          await once(socket, 'data');
          socket.on('data', (part) => {
            if (String(part).includes('"signal"')) seen.add(socket);
          });
        }
      };
      await Promise.all(Array.from({ length: 16 }, open));
      expect(memory() - before).toBeLessThan(sockets.length * 100 * 1024);
      expect(await outcome('POST', configMaps, configMap({ name: 'signal' }))).toBe('201');
      await eventually(() => expect(seen.size).toBe(sockets.length));
      for (const socket of sockets) socket.destroy();
    });

    it.each(['nothing sent', 'half a TLS hello', 'TLS and nothing more', 'half a request'])(
      'left half open, %s: ended by the server',
      async (name) => {
        expect(await halfOpen.get(name)).toBeLessThan(45_000);
      },
    );
  });
});
