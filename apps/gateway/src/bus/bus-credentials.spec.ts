import { apiSubject, base32, eventSubject, inboxPrefix } from '#bus';
import { createBusKey, ensureBusAuthority } from '#pki';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, type Harness, startHarness } from '../testing/harness';
import { busCredentialsPath } from './bus-credentials';

const day = 24 * 3600_000;

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly name: string;
  readonly exp: number;
  readonly nats: { readonly pub: { allow: string[] }; readonly sub: { allow: string[] }; readonly resp?: object };
}

describe('credentials for the bus', () => {
  let harness: Harness;
  let account: string;
  let publicKey: string;
  const token = (user: string, ...groups: string[]) => ({ token: user, user, uid: user, groups });
  const ask = (user: string, body: unknown = { publicKey }, method = 'POST'): Promise<Answer> =>
    harness.call(method, busCredentialsPath, {
      ...(method === 'POST' ? { body } : {}),
      headers: { authorization: user === '' ? '' : `Bearer ${user}` },
    });
  const claimsOf = ({ body }: Answer): Claims => {
    const { token: jwt } = body as { token: string };
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
  };

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nestor-bus-'));
    const authority = await ensureBusAuthority(directory);
    rmSync(directory, { recursive: true });
    ({ account } = authority);
    ({ publicKey } = await createBusKey());
    const components: Readonly<Record<string, readonly string[]>> = {
      'system:kube-scheduler': [],
      'system:two-controllers': ['system:serviceaccount:kube-system:deployment-controller'],
    };
    harness = await startHarness(undefined, {
      bus: { accountSeed: authority.accountSeed, actsAs: (user) => components[user] },
      groupsOf: () => ['system:serviceaccounts'],
      tokens: [
        token('admin', 'system:masters'),
        token('system:kube-scheduler'),
        token('system:two-controllers'),
        token('system:node:one', 'system:nodes'),
        token('system:node:fraud'),
      ],
    });
  });
  afterAll(() => harness.stop());

  it('are of the account, for the sender and its key, for a day', async () => {
    const answer = await ask('system:kube-scheduler');
    expect(answer.status).toBe(201);
    const claims = claimsOf(answer);
    expect(claims).toMatchObject({ iss: account, sub: publicKey, name: 'system:kube-scheduler' });
    expect(Math.abs(claims.exp * 1000 - Date.now() - day)).toBeLessThan(60_000);
    expect(answer.body.expiresAt).toBeGreaterThanOrEqual(claims.exp * 1000);
  });

  it('let it ask as itself, be answered, and hear what it may watch', async () => {
    const { nats } = claimsOf(await ask('system:kube-scheduler'));
    expect(nats.pub.allow).toEqual([apiSubject('system:kube-scheduler')]);
    expect(nats.sub.allow).toContain(`${inboxPrefix('system:kube-scheduler')}.>`);
    expect(nats.sub.allow).toContain(eventSubject('', 'pods'));
    expect(nats.sub.allow).not.toContain(eventSubject('', 'secrets'));
    expect(nats.sub.allow.filter((subject) => !subject.startsWith('nestor.event.'))).toHaveLength(1);
    expect(nats.resp).toBeUndefined();
  });

  it('let it act for those whom it may act for', async () => {
    const { nats } = claimsOf(await ask('system:two-controllers'));
    const acted = 'system:serviceaccount:kube-system:deployment-controller';
    expect(nats.pub.allow).toEqual([apiSubject('system:two-controllers'), apiSubject(acted, 'system:two-controllers')]);
    expect(nats.sub.allow).toContain(eventSubject('apps', 'deployments'));
  });

  it('let a node hear of its own pods', async () => {
    const { nats } = claimsOf(await ask('system:node:one'));
    const streams = nats.sub.allow.filter((subject) => subject.includes('.node.'));
    expect(streams).toEqual([`${eventSubject('', 'pods')}.node.${base32('one')}`]);
  });

  it.each([
    ['who is no component, whatever he may do', 'admin'],
    ['who only has the name of a node', 'system:node:fraud'],
    ['who does not say who he is', ''],
  ])('are refused to somebody %s', async (_, user) => {
    const answer = await ask(user);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ kind: 'Status', reason: 'Forbidden' });
  });

  it('are refused with a wrong token', async () => expect((await ask('nobody')).status).toBe(401));

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['no key', {}],
    ['a key of another kind', { publicKey: 7 }],
    ['an account’s key', { publicKey: 'ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA' }],
    ['a key that is none', { publicKey: 'U' }],
    ['too much', { publicKey: 'U'.repeat(100_000) }],
  ])('are refused for %s', async (_, body) => {
    const answer = await ask('system:kube-scheduler', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ kind: 'Status', reason: 'BadRequest' });
  });

  it('are asked for by POST', async () => {
    expect((await ask('system:kube-scheduler', undefined, 'GET')).status).toBe(405);
  });
});
