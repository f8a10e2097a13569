import { connect } from 'nats';
import { type Bus, type Message, apiSubject, base32, eventSubject, inboxPrefix, requestSubjects } from '#bus';
import { createAuthority, createBusKey, ensureBusAuthority, issueBusToken, issueCertificate } from '#pki';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { hasNatsServer } from './nats-server';
import { SecureNats } from './secure-nats';

const everything = { publish: ['>'], subscribe: ['>'], answersWithinMs: 60_000 };
const gateway = {
  publish: ['nestor.event.>'],
  subscribe: ['nestor.api.> gateway', `${inboxPrefix('gateway')}.>`],
  answersWithinMs: 60_000,
};
const pods = eventSubject('', 'pods');
const component = (user: string) => ({
  publish: requestSubjects(user, ['acted']),
  subscribe: [`${inboxPrefix(user)}.>`, pods],
});

const suite = hasNatsServer() ? describe : describe.skip;

suite('identities on the bus', () => {
  let nats: SecureNats;
  const buses: Bus[] = [];
  const open = async (...args: Parameters<SecureNats['identity']>): Promise<Bus> => {
    const bus = await nats.open(await nats.identity(...args));
    buses.push(bus);
    return bus;
  };
  /** A client of NATS that keeps to none of our rules, with whatever credentials. */
  const raw = async (user: string, permissions = component(user)) => {
    const identity = await nats.identity(user, permissions);
    const { jwtAuthenticator } = await import('nats');
    const { caPem, certificatePem, keyPem } = await nats.tls(user);
    const { token, seed } = identity.credentials();
    return connect({
      servers: nats.url,
      tls: { ca: caPem, cert: certificatePem, key: keyPem },
      authenticator: jwtAuthenticator(token, Buffer.from(seed)),
    });
  };
  beforeAll(async () => {
    nats = await SecureNats.start();
  });
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  });
  afterAll(() => nats.stop());

  it('let a component ask as itself and as whom it acts for, and be answered', async () => {
    const server = await open('gateway', gateway);
    server.serve('nestor.api.>', 'gateway', async ({ subject }) => ({ subject }));
    const client = await open('one', component('one'));
    await server.flush();
    for (const user of ['one', 'acted']) {
      const subject = apiSubject(user, 'one');
      expect(await client.request(subject, {}, { deadlineMs: 2000 })).toEqual({ subject });
    }
  });

  it.each([
    ['as another', apiSubject('two')],
    ['as another in its own connection', apiSubject('two', 'one')],
    ['as another’s actor', apiSubject('one', 'two')],
    ['to the event stream', pods],
    ['to somebody’s inbox', `${inboxPrefix('two')}.x`],
  ])('do not let a component publish %s', async (_, subject) => {
    const heard: Message[] = [];
    const witness = await open('witness', everything);
    witness.subscribe('>', (message) => void heard.push(message));
    await witness.flush();
    const client = await open('one', component('one'));
    await expect(client.request(subject, { forged: true }, { deadlineMs: 500 })).rejects.toThrow();
    client.publish(subject, { forged: true });
    await client.flush();
    witness.publish('end', {});
    await eventually(async () => expect(heard.map((message) => message.subject)).toContain('end'));
    expect(heard.map((message) => message.subject)).toEqual(['end']);
  });

  it.each([
    ['another’s inbox', `${inboxPrefix('two')}.>`],
    ['all inboxes', '*.>'],
    ['requests', 'nestor.api.>'],
    ['a stream that it is not listed for', eventSubject('', 'secrets')],
    ['everything', '>'],
  ])('do not let a component hear %s', async (_, subject) => {
    const heard: Message[] = [];
    const client = await open('one', component('one'));
    client.subscribe(subject, (message) => void heard.push(message));
    const own: Message[] = [];
    client.subscribe(pods, (message) => void own.push(message));
    await client.flush();
    const server = await open('gateway', everything);
    for (const target of [`${inboxPrefix('two')}.x`, apiSubject('two'), eventSubject('', 'secrets'), pods]) {
      server.publish(target, { hush: true });
    }
    await eventually(async () => expect(own).toHaveLength(1));
    expect(heard).toEqual([]);
  });

  it('do not let a gateway answer where the sender names an inbox or stream of others', async () => {
    const heard: string[] = [];
    const witness = await open('witness', everything);
    witness.subscribe('nestor.event.>', ({ subject }) => void heard.push(subject));
    witness.subscribe(`${inboxPrefix('two')}.>`, ({ subject }) => void heard.push(subject));
    await witness.flush();
    const server = await open('gateway', gateway);
    const asked: string[] = [];
    server.serve('nestor.api.>', 'gateway', async ({ subject }) => {
      asked.push(subject);
      return { forged: true };
    });
    await server.flush();
    const client = await raw('one');
    for (const reply of [pods, `${inboxPrefix('two')}.x`, `_INBOX_${base32('one')}`]) {
      client.publish(apiSubject('one'), '{}', { reply });
    }
    await client.flush();
    // A request in order comes after them, and shows that they have been dealt with.
    const honest = await open('one', component('one'));
    await honest.request(apiSubject('one'), {}, { deadlineMs: 2000 });
    expect(asked).toEqual([apiSubject('one')]);
    expect(heard).toEqual([]);
    await client.close();
  });

  it('do not let a component serve requests', async () => {
    const thief = await open('thief', component('thief'));
    let stolen = 0;
    thief.serve('nestor.api.>', 'gateway', async () => ({ stolen: ++stolen }));
    await thief.flush();
    const client = await open('one', component('one'));
    await expect(client.request(apiSubject('one'), {}, { deadlineMs: 500 })).rejects.toMatchObject({
      code: 'no-responders',
    });
    expect(stolen).toBe(0);
  });

  describe('are needed to connect', () => {
    const refused = async (options: Partial<Parameters<typeof connect>[0]>): Promise<void> => {
      await expect(connect({ servers: nats.url, reconnect: false, ...options })).rejects.toThrow();
    };
    it('without a client certificate', () => refused({ tls: { ca: nats.ca.certificatePem } }));
    it('with a certificate of another authority', async () => {
      const other = await createAuthority('other', Date.now());
      const { certificatePem: cert, keyPem: key } = await issueCertificate(
        other,
        { commonName: 'one', usages: ['client'] },
        Date.now(),
      );
      await refused({ tls: { ca: nats.ca.certificatePem, cert, key } });
    });
    it.each<[string, () => Promise<{ token: string; seed: string }>]>([
      [
        'with credentials of another account',
        async () => {
          const directory = mkdtempSync(join(tmpdir(), 'nestor-bus-'));
          const { accountSeed } = await ensureBusAuthority(directory);
          rmSync(directory, { recursive: true });
          return (await nats.identity('one', everything, { accountSeed })).credentials();
        },
      ],
      [
        'with credentials that have expired',
        async () => (await nats.identity('one', everything, { expiresAt: Date.now() - 60_000 })).credentials(),
      ],
      [
        'with credentials of somebody else’s key',
        async () => ({
          ...(await nats.identity('one', everything)).credentials(),
          seed: (await createBusKey()).seed,
        }),
      ],
    ])('%s', async (_, credentials) => {
      const { jwtAuthenticator } = await import('nats');
      const { token, seed } = await credentials();
      const { caPem: ca, certificatePem: cert, keyPem: key } = await nats.tls();
      await refused({ tls: { ca, cert, key }, authenticator: jwtAuthenticator(token, Buffer.from(seed)) });
    });
    it('without any', async () => {
      const { caPem: ca, certificatePem: cert, keyPem: key } = await nats.tls();
      await refused({ tls: { ca, cert, key } });
    });
  });

  it('are taken up when they are renewed, and a connection outlives those that run out', async () => {
    const key = await createBusKey();
    const issue = (seconds: number): Promise<string> =>
      issueBusToken(nats.authority.accountSeed, {
        user: 'one',
        publicKey: key.publicKey,
        permissions: component('one'),
        expiresAt: Date.now() + seconds * 1000,
      });
    let token = await issue(60);
    let renewed = (): void => undefined;
    const bus = await nats.open({
      user: 'one',
      credentials: () => ({ token, seed: key.seed }),
      onRenewed: (listener) => {
        renewed = listener;
        return () => undefined;
      },
    });
    buses.push(bus);
    const server = await open('gateway', gateway);
    server.serve('nestor.api.>', 'gateway', async () => ({ ok: true }));
    await server.flush();
    const works = async (): Promise<void> =>
      expect(await bus.request(apiSubject('one'), {}, { deadlineMs: 1000 })).toEqual({ ok: true });
    await works();
    let gaps = 0;
    bus.subscribe(pods, () => undefined, { onGap: () => gaps++ });

    token = await issue(5);
    renewed();
    await eventually(async () => expect(gaps).toBe(1));
    await eventually(works);
    // Nobody renews: the broker ends the connection, and refuses until there are new ones.
    await eventually(
      async () => expect(bus.request(apiSubject('one'), {}, { deadlineMs: 200 })).rejects.toThrow(),
      15_000,
    );
    token = await issue(60);
    await eventually(works, 15_000);
  });

  it('are kept in files for their owner only, and the same the next time', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nestor-bus-'));
    try {
      const first = await ensureBusAuthority(directory);
      expect(await ensureBusAuthority(directory)).toEqual(first);
      expect(statSync(join(directory, 'account.seed')).mode & 0o777).toBe(0o600);
      rmSync(join(directory, 'account.jwt'));
      await expect(ensureBusAuthority(directory)).rejects.toThrow('account.jwt is missing');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('are given to user keys only', async () => {
    await expect(
      issueBusToken(nats.authority.accountSeed, {
        user: 'x',
        publicKey: nats.authority.account,
        permissions: everything,
        expiresAt: 0,
      }),
    ).rejects.toThrow(RangeError);
  });

  it('survive garbage on the port', async () => {
    const { connect: dial } = await import('node:net');
    await Promise.all(
      ['CONNECT {}\r\nPUB nestor.event.core.pods 2\r\n{}\r\n', '\u0000'.repeat(100_000)].map(
        (garbage) =>
          new Promise<void>((resolve) => {
            const socket = dial(nats.server.port, '127.0.0.1', () => socket.write(garbage));
            socket.on('data', () => undefined);
            socket.once('error', () => resolve());
            socket.once('close', () => resolve());
          }),
      ),
    );
    const client = await open('one', component('one'));
    expect(await client.flush()).toBeUndefined();
  });
});
