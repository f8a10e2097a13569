import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { type NatsConnection, connect as connectToNats, jwtAuthenticator } from 'nats';
import { type ConfigMap, resources } from '#api';
import { apiSubject, eventSubject, inboxPrefix } from '#bus';
import { type ObjectClient, createHttpClient, obtainBusIdentity } from '#client';
import { ApiError, systemClock } from '#machinery';
import { createAuthority, createBusKey, issueBusToken, issueCertificate, type KeyPair } from '#pki';
import { processUser } from '#process';
import { silentLogger } from '#telemetry';
import { DnsFlood } from '../tools/dns-flood';
import { eventually } from '../tools/eventually';
import { freePorts } from '../tools/free-ports';
import { listeningPorts, residentMemory } from '../tools/listening-ports';
import { describeWith } from '../tools/requirements';
import { hostileBytes, smuggled, throwAt } from './hostile-bytes';
import { ManagedProcess } from './managed-process';
import { electedApps, ProcessCluster } from './process-cluster';

const MEGABYTE = 1 << 20;
const DAY = 24 * 3600_000;

/** Leaves no block free in the file's file system. */
function fillDisk(file: string): void {
  const fd = openSync(file, 'a', 0o600);
  try {
    for (const size of [MEGABYTE, 4096]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Whoever can reach a port, has credentials of some component, or fills the disk: every process stays, and goes on with its work. */
describeWith(['nats', 'root'], 'a cluster of processes among enemies', () => {
  const disk = mkdtempSync(join(tmpdir(), 'nestor-disk-'));
  let cluster: ProcessCluster;
  let balancer: ManagedProcess;
  let client: ObjectClient;
  let pids: Map<string, number>;
  let memory: Map<string, number>;
  let replicas = 2;
  const connections: NatsConnection[] = [];

  const pem = (name: string): string => readFileSync(join(cluster.directory, 'pki', name), 'utf8');
  const processes = (): ManagedProcess[] => [...cluster.processes.values(), balancer];
  const pid = (name: string): number => pids.get(name) ?? 0;
  const pidsNow = (): Map<string, number> => new Map(processes().map((one) => [one.name, one.pid]));
  const memoryNow = (): Map<string, number> => new Map([...pids].map(([name, id]) => [name, residentMemory(id)]));
  /** The whole chain has to work for this. */
  const converges = async (): Promise<void> => {
    replicas = replicas === 2 ? 3 : 2;
    await eventually(() => cluster.kubectl('scale', 'deployment/web', `--replicas=${replicas}`), 30_000);
    await eventually(async () => {
      const ready = await cluster.kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}');
      expect(ready).toBe(String(replicas));
    }, 30_000);
  };

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192m,mode=0700', 'nestor-test', disk]);
    const one = Object.fromEntries([...electedApps, 'gateway'].map((app) => [app, 1]));
    cluster = await ProcessCluster.start({
      replicas: one,
      agents: 1,
      env: { store: { STORE_DATA_DIR: join(disk, 'store') } },
    });
    const [listen, health] = await freePorts(2);
    balancer = new ManagedProcess({
      name: 'load-balancer',
      command: [process.execPath, join(__dirname, '../../dist/apps/load-balancer/main.js')],
      env: {
        LISTEN_ADDRESS: `127.0.0.1:${listen}`,
        HEALTH_ADDRESS: `127.0.0.1:${health}`,
        BACKENDS: new URL(cluster.servers[0] ?? '').host,
      },
      logFile: join(cluster.directory, 'load-balancer.log'),
      health: `http://127.0.0.1:${health}`,
    });
    balancer.start();
    await balancer.ready();
    client = createHttpClient({
      server: `https://127.0.0.1:${listen}`,
      ca: pem('authority/ca.crt'),
      cert: pem('authority/admin.crt'),
      key: pem('authority/admin.key'),
      clock: systemClock,
      random: Math.random,
      userAgent: 'test/1',
    });
    await cluster.kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=2');
    pids = pidsNow();
    await converges();
    memory = memoryNow();
  }, 240_000);
  afterEach(async () => {
    // Nobody has been replaced, nobody is unwell, and everything still works.
    expect(pidsNow()).toEqual(pids);
    await Promise.all(processes().map((one) => one.ready(20_000)));
    await converges();
    for (const { name, log } of processes()) {
      expect(
        `${name}: ${/.*(unhandledRejection|uncaughtException|this is a defect|"level":60).*/.exec(log)?.[0]}`,
      ).toBe(`${name}: undefined`);
    }
    for (const [name, now] of memoryNow()) {
      const gained = (now - (memory.get(name) ?? 0)) / MEGABYTE;
      if (gained > 150) throw new Error(`${name} has grown by ${gained.toFixed(0)} MB`);
    }
  });
  afterAll(async () => {
    await Promise.all(connections.map((one) => one.close()));
    await balancer?.stop();
    await cluster?.stop();
    // A start that failed may have left the store running.
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true });
  });

  describe('on every port that any of them listens on', () => {
    const everyPort = (): [string, number][] =>
      [...pids].flatMap(([name, id]) => listeningPorts(id).map((port): [string, number] => [name, port]));

    it('bytes that make no sense', async () => {
      const ports = everyPort();
      // Each has a port of its own for health, and those that serve another.
      expect(ports.length).toBeGreaterThanOrEqual(pids.size + 3);
      for (const [, bytes] of hostileBytes()) {
        await Promise.all(ports.map(([, port]) => throwAt(net.connect(port, '127.0.0.1'), bytes)));
      }
    });

    it('a hundred connections that say nothing', async () => {
      const sockets = everyPort().flatMap(([, port]) =>
        Array.from({ length: 100 }, () => net.connect(port, '127.0.0.1').on('error', () => undefined)),
      );
      await converges();
      for (const socket of sockets) socket.resetAndDestroy();
    });

    it('on health ports, requests within requests', async () => {
      for (const [, port] of everyPort()) {
        const first = await throwAt(
          net.connect(port, '127.0.0.1'),
          Buffer.from('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'),
        );
        if (!first.includes('200 OK')) continue;
        for (const [name, bytes] of Object.entries(smuggled)) {
          const answer = await throwAt(net.connect(port, '127.0.0.1'), Buffer.from(bytes), 100);
          // Refused, or taken for one request.
          expect(`${name}: ${answer.split('HTTP/1.1 ').length - 1}`).toMatch(/: [01]$/);
        }
      }
    });
  });

  describe('on the ports with TLS', () => {
    let identities: [string, KeyPair | undefined][];
    const ca = (): KeyPair => ({ certificatePem: pem('authority/ca.crt'), keyPem: pem('authority/ca.key') });
    const portOf = (name: string): number => {
      const found = listeningPorts(pid(name)).find((port) => !cluster.get(name).isHealthPort(port));
      if (found === undefined) throw new Error(`${name} listens nowhere`);
      return found;
    };
    /** What an HTTPS server answers: the status code, or why there is none. */
    const ask = (
      port: number,
      path: string,
      identity?: KeyPair,
      headers: Record<string, string> = {},
    ): Promise<string> =>
      new Promise((resolve) => {
        const own = identity === undefined ? {} : { cert: identity.certificatePem, key: identity.keyPem };
        const options = { host: '127.0.0.1', port, path, headers, agent: false, rejectUnauthorized: false, ...own };
        const request = https.get(options, (response) => {
          response.resume();
          resolve(String(response.statusCode));
        });
        request.on('error', (error) => resolve(error.message.trim()));
      });

    beforeAll(async () => {
      const admin = { commonName: 'system:admin', organizations: ['system:masters'], usages: ['client'] as const };
      const now = Date.now();
      const foreign = await createAuthority('nestor', now);
      identities = [
        ['no certificate', undefined],
        ['a certificate of another authority', await issueCertificate(foreign, admin, now)],
        ['a certificate that has expired', await issueCertificate(ca(), { ...admin, days: 1 }, now - 10 * DAY)],
        ['a certificate for servers', await issueCertificate(ca(), { ...admin, usages: ['server'] }, now)],
      ];
      expect(Date.parse(new X509Certificate(identities[2]?.[1]?.certificatePem ?? '').validTo)).toBeLessThan(now);
    });

    it('nobody gets anything of a gateway, an agent, the store or NATS without a certificate that is right', async () => {
      for (const [name, identity] of identities) {
        const secrets = '/api/v1/namespaces/kube-system/secrets';
        const outcomes = {
          gateway: await ask(portOf('gateway-0'), secrets, identity),
          agent: await ask(portOf('node-agent-0'), '/pods', identity),
          store: await ask(portOf('store'), '/', identity),
        };
        // Known to nobody, or not let in at all.
        expect(`${name}: ${outcomes.gateway}`).toMatch(/: (401|403|.*(alert|certificate|reset|hang up|EPIPE).*)$/);
        expect(`${name}: ${outcomes.agent}`).toMatch(/: (401|403|.*(alert|certificate|reset|hang up|EPIPE).*)$/);
        expect(`${name}: ${outcomes.store}`).toMatch(/: .*(alert|certificate|reset|hang up|EPIPE|Parse Error).*$/);
      }
    });

    it('a certificate of the cluster that is somebody else’s opens neither agents nor the store', async () => {
      for (const folder of ['scheduler', 'node-node-0', 'dns']) {
        const identity = { certificatePem: pem(`${folder}/tls.crt`), keyPem: pem(`${folder}/tls.key`) };
        expect(await ask(portOf('node-agent-0'), '/pods', identity)).toMatch(/^40[13]$/);
        expect(await ask(portOf('gateway-0'), '/api/v1/secrets', identity)).toBe('403');
      }
    });

    it('tokens of nobody are 401', async () => {
      const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"system:admin"}').toString('base64url')}.`;
      for (const token of ['x', forged, 'a'.repeat(8000), 'abcdef.0123456789abcdef']) {
        const headers = { authorization: `Bearer ${token}` };
        expect(await ask(portOf('gateway-0'), '/api/v1/pods', undefined, headers)).toBe('401');
      }
    });

    it('bytes that make no sense, within TLS', async () => {
      const identity = { cert: pem('scheduler/tls.crt'), key: pem('scheduler/tls.key'), rejectUnauthorized: false };
      const ports = ['gateway-0', 'node-agent-0', 'store'].map(portOf);
      for (const [name, bytes] of hostileBytes()) {
        const answers = await Promise.all(
          ports.map((port) => throwAt(tls.connect({ host: '127.0.0.1', port, ...identity }), bytes)),
        );
        for (const answer of answers) expect(`${name}: ${answer.split('HTTP/1.1 ').length - 1}`).toMatch(/: [01]$/);
      }
      const large = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2 * MEGABYTE)}\r\n\r\n`);
      for (const port of ports.slice(0, 2)) {
        expect(await throwAt(tls.connect({ host: '127.0.0.1', port, ...identity }), large)).toMatch(/^HTTP\/1.1 431/);
      }
    });
  });

  describe('on the bus', () => {
    const scheduler = processUser('scheduler');
    const actor = 'system:kube-scheduler';
    const natsUrl = (): string => `tls://127.0.0.1:${listeningPorts(pid('nats'))[0]}`;
    const own = (folder: string) => ({
      caPem: pem(`${folder}/ca.crt`),
      certificatePem: pem(`${folder}/tls.crt`),
      keyPem: pem(`${folder}/tls.key`),
    });
    /** A client of NATS that keeps to none of our rules. */
    const open = async (token: string, seed: string, inbox: string, folder = 'scheduler'): Promise<NatsConnection> => {
      const { caPem: caText, certificatePem, keyPem } = own(folder);
      const connection = await connectToNats({
        servers: natsUrl(),
        tls: { ca: caText, cert: certificatePem, key: keyPem },
        authenticator: jwtAuthenticator(token, Buffer.from(seed)),
        inboxPrefix: inbox,
        reconnect: false,
      });
      connections.push(connection);
      return connection;
    };
    const asScheduler = async (): Promise<NatsConnection> => {
      const identity = await obtainBusIdentity({
        servers: cluster.servers,
        tls: () => own('scheduler'),
        user: scheduler,
        userAgent: 'test/1',
        clock: systemClock,
        random: Math.random,
        logger: silentLogger(),
      });
      identity.stop();
      const { token, seed } = identity.credentials();
      return open(token, seed, inboxPrefix(scheduler));
    };
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const request = (more: object): string =>
      JSON.stringify({ method: 'POST', path: '/api/v1/namespaces/default/configmaps', ...more });
    const withBody = (body: string): string => `${request({}).slice(0, -1)},"body":${body}}`;

    it('requests that make no sense get errors that do', async () => {
      const nats = await asScheduler();
      const subject = apiSubject(actor, scheduler);
      const outcome = async (payload: string | Buffer): Promise<string> => {
        const answer = await nats.request(subject, Buffer.from(payload), { timeout: 20_000 });
        const failure = answer.headers?.get('Nestor-Error') ?? '';
        if (failure !== '') return `error: ${decodeURIComponent(failure)}`;
        const { status, body } = answer.json<{ status: number; body: { message?: string } }>();
        return `${status} ${body.message ?? ''}`;
      };
      const expected: [string | Buffer, RegExp][] = [
        ['', /^error: the request is not JSON/],
        [Buffer.alloc(1000, 0xff), /^error: the request is not JSON/],
        ['{"method":', /^error: the request is not JSON/],
        [nested(5_000), /^error: .*nested too deeply/],
        [nested(100_000), /^error: .*nested too deeply/],
        [withBody(nested(990)), /^40[03] /],
        [withBody(nested(200_000)), /^error: .*nested too deeply/],
        ['null', /^400 the message is no request/],
        ['[]', /^400 the message is no request/],
        ['{}', /^400 the message is no request/],
        [request({ path: 7 }), /^400 the message is no request/],
        [request({ path: '/%' }), /^400 .*percent signs/],
        [request({ body: 'x' }), /^400 the message is no request/],
        [request({ userAgent: {} }), /^400 the message is no request/],
        [request({ fence: { holder: 1 } }), /^400 the message is no request/],
        [request({ method: 'BREW' }), /^40[35] /],
        [request({ path: '/nonsense' }), /^40[34] /],
        [request({ path: `/${'a/'.repeat(5000)}` }), /^40[0-9] /],
        // It may not write these, however they look.
        [request({ body: { metadata: { name: 'x' }, data: { a: 'x'.repeat(600 << 10) } } }), /^403 /],
        [request({ body: { metadata: { name: 'x' }, data: { a: 'x'.repeat(3 * MEGABYTE) } } }), /^403 /],
        [withBody('{"__proto__":{"polluted":1},"metadata":{"name":"x"}}'), /^403 /],
        // These it may.
        [
          request({
            path: '/api/v1/namespaces/default/events',
            body: { metadata: { name: 'x' }, involvedObject: {}, message: 'x'.repeat(3 * MEGABYTE) },
          }),
          /^(413|422|500) /,
        ],
        [request({ method: 'GET', path: '/api/v1/pods?limit=-1&continue=%00&resourceVersion=x' }), /^400 /],
        [
          request({ method: 'GET', path: '/api/v1/pods?watch=true&resourceVersion=99999999999999999999' }),
          /^[45]\d\d /,
        ],
      ];
      for (const [payload, answer] of expected) {
        expect(`${payload.toString('latin1').slice(0, 80)} → ${await outcome(payload)}`).toMatch(
          new RegExp(answer.source.replace('^', '→ '), 's'),
        );
      }
      // Nobody waits for these.
      for (const [payload] of expected) nats.publish(subject, Buffer.from(payload));
      await nats.flush();
      const { max_payload: largest = 0 } = nats.info ?? {};
      expect(() => nats.publish(subject, Buffer.alloc(largest + 1))).toThrow('MAX_PAYLOAD_EXCEEDED');
    });

    it('more requests at once than anybody has use for are told to come later', async () => {
      const nats = await asScheduler();
      const payload = JSON.stringify({ method: 'GET', path: '/api/v1/pods' });
      const answers = await Promise.all(
        Array.from({ length: 5000 }, () => nats.request(apiSubject(actor, scheduler), payload, { timeout: 30_000 })),
      );
      const codes = new Set(answers.map((answer) => answer.json<{ status: number }>().status));
      for (const code of codes) expect([200, 429]).toContain(code);
    });

    it('what is larger than the broker takes ends the sender’s connection, not the broker', async () => {
      const { caPem: caText, certificatePem, keyPem } = own('scheduler');
      const plain = net.connect(listeningPorts(pid('nats'))[0] ?? 0, '127.0.0.1');
      // The broker greets first, in the clear.
      await new Promise((resolve) => plain.once('data', resolve));
      const socket = tls.connect({
        socket: plain,
        ca: caText,
        cert: certificatePem,
        key: keyPem,
        servername: 'localhost',
      });
      const answer = await throwAt(socket, Buffer.from('CONNECT {}\r\nPUB nestor.event.core.pods 99999999\r\n'), 2_000);
      expect(answer).toMatch(/-ERR '(Maximum Payload|Authorization) Violation'/);
    });

    it('credentials of nobody, of another account or of yesterday are refused', async () => {
      const { publicKey, seed } = await createBusKey();
      const permissions = { publish: ['>'], subscribe: ['>'] };
      const issue = async (accountSeed: string, expiresAt: number): Promise<string> =>
        issueBusToken(accountSeed, { user: scheduler, publicKey, permissions, expiresAt });
      const account = pem('gateway/bus-account.seed').trim();
      const expired = await issue(account, Date.now() - DAY);
      await expect(open(expired, seed, '_INBOX')).rejects.toThrow(/authorization|expired/i);
      await expect(open('x.y.z', seed, '_INBOX')).rejects.toThrow(/authorization/i);
      const { seed: anotherSeed } = await createBusKey();
      const good = await issue(account, Date.now() + DAY);
      await expect(open(good, anotherSeed, '_INBOX')).rejects.toThrow(/authorization/i);
      await expect(
        connectToNats({ servers: natsUrl(), tls: { ca: pem('scheduler/ca.crt') }, reconnect: false }),
      ).rejects.toThrow();
    });

    it('garbage on every stream, of somebody who has a gateway’s key, is passed over by all informers', async () => {
      const { publicKey, seed } = await createBusKey();
      const token = await issueBusToken(pem('gateway/bus-account.seed').trim(), {
        user: 'system:apiserver',
        publicKey,
        permissions: { publish: ['>'], subscribe: ['>'] },
        expiresAt: Date.now() + DAY,
      });
      const nats = await open(token, seed, '_INBOX_garbage');
      const subjects = new Set<string>();
      const listening = nats.subscribe('nestor.event.>', {
        callback: (_, { subject }) => void subjects.add(subject),
      });
      // Every stream says something once a second.
      await eventually(() => expect(subjects.size).toBeGreaterThan(20));
      await eventually(() => expect(subjects).toContain(eventSubject('', 'pods')));
      listening.unsubscribe();
      const object = { metadata: { name: 'x', namespace: 'default' } };
      const garbage: (string | Buffer)[] = [
        '',
        'null',
        '7',
        Buffer.alloc(600 << 10, 0xfe),
        nested(100_000),
        nested(2_000),
        JSON.stringify({ prev: 'a', rev: 1e12, events: [] }),
        JSON.stringify({ prev: 0, rev: 1e12, events: [{ type: 'ADDED', revision: 1e12 }] }),
        JSON.stringify({ prev: 0, rev: 0, events: [{ type: 'DELETED', revision: 0, object }] }),
        JSON.stringify({ prev: 5, rev: 1, events: [{ type: 'EXPLODED', revision: 3, object }] }),
        `{"prev":0,"rev":0,"events":[{"type":"ADDED","revision":0,"object":${nested(2000)}}]}`,
        JSON.stringify({
          prev: 0,
          rev: 1e12,
          events: [{ type: 'ADDED', revision: 9, object: { x: 'x'.repeat(3 * MEGABYTE) } }],
        }),
      ];
      for (const subject of subjects) {
        // What is large goes to one stream: this is no test of the broker.
        const isPods = subject === eventSubject('', 'pods');
        for (const payload of garbage)
          if (isPods || payload.length < 100_000) nats.publish(subject, Buffer.from(payload));
        await nats.flush();
      }
    });
  });

  describe('of the name server', () => {
    const port = (): number => {
      const found = listeningPorts(pid('dns')).find((one) => !cluster.get('dns').isHealthPort(one));
      if (found === undefined) throw new Error('the name server listens nowhere');
      return found;
    };

    it('floods: whoever asks is answered all the while', async () => {
      await new DnsFlood(port()).run(async (ask) => {
        for (let i = 0; i < 20; i++) expect(await ask()).toBe('10.96.0.1');
      });
    });
  });

  describe('with a full disk', () => {
    it('writes are refused clearly, reads go on, nothing is lost, and all is well once there is room', async () => {
      const filler = join(disk, 'filler');
      const key = { namespace: 'default', name: 'full' };
      const write = async (n: number): Promise<void> => {
        await client.patch(resources.configMaps, key, 'merge', { data: { n: String(n), pad: 'x'.repeat(900_000) } });
      };
      const written = async (): Promise<string | undefined> =>
        (await client.get<ConfigMap>(resources.configMaps, key)).data?.['n'];
      await client.create(resources.configMaps, { metadata: key });
      await write(1);
      let acknowledged = 1;
      let refusal: unknown;
      // There is room in the log until its segments, which are made ahead, are full.
      while (refusal === undefined && acknowledged < 500) {
        fillDisk(filler);
        try {
          await write(acknowledged + 1);
          acknowledged++;
        } catch (error) {
          refusal = error;
        }
      }
      expect(refusal).toBeInstanceOf(ApiError);
      expect((refusal as ApiError).code).toBe(500);
      expect((refusal as ApiError).message).toContain('database space exceeded');
      await expect(write(-1)).rejects.toThrow('database space exceeded');
      expect(await written()).toBe(String(acknowledged));
      expect(await cluster.kubectl('get', 'configmap', 'full', '-o', 'jsonpath={.data.n}')).toBe(String(acknowledged));
      rmSync(filler);
      await eventually(() => write(1_000));
      await converges();
      // What it has acknowledged it also finds again.
      await cluster.restart('store');
      pids = pidsNow();
      memory = memoryNow();
      await eventually(async () => expect(await written()).toBe('1000'));
    });
  });
});
