import { FakeClock } from '#testing';
import { type LocalStore } from './administration';
import { type Author } from './auth/auth-change';
import { createMemoryStore } from './memory-store';
import { DEFAULT_QUOTA_BYTES } from './quota';

let store: LocalStore;
const value = Buffer.from('x');
const by = (user: string): Author => ({ user, revision: store.administration.auth.revision });
const as = (user: string) => store.administration.authorized(by(user));
const change: LocalStore['administration']['changeAuth'] = (...args) => store.administration.changeAuth(...args);

beforeEach(() => {
  store = createMemoryStore({ clock: new FakeClock() });
});
afterEach(() => store.close());

/** root, and ann who may read and write `own/`. */
async function enable(): Promise<void> {
  await change({ kind: 'user-add', name: 'root', password: 'secret' });
  await change({ kind: 'user-grant-role', name: 'root', role: 'root' });
  await change({ kind: 'user-add', name: 'ann', password: 'wonder' });
  await change({ kind: 'role-add', name: 'own' });
  const permission = { access: 'readwrite', key: 'own/', rangeEnd: 'own0' } as const;
  await change({ kind: 'role-grant-permission', name: 'own', permission });
  await change({ kind: 'user-grant-role', name: 'ann', role: 'own' });
  await change({ kind: 'enable' });
}

describe('users and roles', () => {
  it('lets an author do what they may, and nobody anything', async () => {
    await enable();
    await as('ann').put({ key: 'own/1', value });
    await expect(as('ann').put({ key: 'other', value })).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(as('ann').range({ key: 'other' })).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(as('').put({ key: 'own/1', value })).rejects.toThrow('etcdserver: user name is empty');
    await expect(as('').compact(2)).rejects.toThrow('etcdserver: user name is empty');
    await expect(as('bob').put({ key: 'own/1', value })).rejects.toMatchObject({ code: 'permission-denied' });
    await as('root').put({ key: 'other', value });
    // The cluster itself is not questioned.
    await store.put({ key: 'other', value });
  });

  it('judges both branches of a transaction, and what is nested in them', async () => {
    await enable();
    const put = { type: 'put', request: { key: 'other', value } } as const;
    const nested = { type: 'txn', request: { compare: [], success: [], failure: [put] } } as const;
    for (const request of [
      { compare: [], success: [], failure: [put] },
      { compare: [], success: [nested] },
      { compare: [{ key: 'other', target: 'version', result: 'equal', operand: 0 }], success: [] } as const,
      { compare: [], success: [{ type: 'range', request: { key: 'own/', rangeEnd: '\0' } }] } as const,
    ]) {
      await expect(as('ann').txn(request)).rejects.toMatchObject({ code: 'permission-denied' });
    }
    expect((await store.range({ key: 'other' })).count).toBe(0);
  });

  it('lets a lease be used by those alone who may write all its keys', async () => {
    await enable();
    const { id } = await store.leaseGrant(60);
    await as('ann').put({ key: 'own/1', value, lease: id });
    await store.put({ key: 'other', value, lease: id });
    await expect(as('ann').put({ key: 'own/2', value, lease: id })).rejects.toMatchObject({
      code: 'permission-denied',
    });
    await expect(as('ann').leaseRevoke(id)).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(as('ann').leaseStatus(id)).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(as('ann').leaseKeepAlive(id)).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(as('ann').leases()).rejects.toMatchObject({ code: 'permission-denied' });
    expect(await as('root').leaseKeepAlive(id)).toBe(60);
    await as('root').leaseRevoke(id);
    const { id: own } = await as('ann').leaseGrant(60);
    await as('ann').put({ key: 'own/1', value, lease: own });
    expect(await as('ann').leaseKeepAlive(own)).toBe(60);
    expect(await as('ann').leases()).toEqual([own]);
  });

  it('replaces what is granted again, and keeps the order in which ranges with the same beginning came', async () => {
    await change({ kind: 'role-add', name: 'role' });
    const grant = (access: 'read' | 'write', key: string, rangeEnd: string) =>
      change({ kind: 'role-grant-permission', name: 'role', permission: { access, key, rangeEnd } });
    await grant('read', 'b', 'd');
    await grant('read', 'b', 'c');
    await grant('write', 'a', '');
    await grant('write', 'b', 'd');
    const permissions = store.administration.auth.role('role')!;
    expect(permissions.map(({ access, key, rangeEnd }) => `${access} ${key}-${rangeEnd}`)).toEqual([
      'write a-',
      'write b-d',
      'read b-c',
    ]);
  });

  it('forgets tokens when authentication is disabled', async () => {
    await enable();
    const { administration } = store;
    const token = await administration.authenticate('ann', 'wonder');
    await change({ kind: 'disable' });
    await expect(administration.authenticate('ann', 'wonder')).rejects.toThrow(/authentication is not enabled/);
    await change({ kind: 'enable' });
    expect(administration.userOf(token)).toBeUndefined();
  });

  it('asks who was recognised before a change to come again', async () => {
    await enable();
    const ann = as('ann');
    await change({ kind: 'user-revoke-role', name: 'ann', role: 'own' }, by('root'));
    await expect(ann.put({ key: 'own/1', value })).rejects.toThrow('etcdserver: revision of auth store is old');
    await expect(as('ann').put({ key: 'own/1', value })).rejects.toMatchObject({ code: 'permission-denied' });
  });

  it('does not let anybody but root change them, nor root be taken away', async () => {
    await enable();
    const request = { kind: 'user-grant-role', name: 'ann', role: 'root' } as const;
    await expect(change(request, by('ann'))).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(change({ kind: 'user-delete', name: 'root' }, by('root'))).rejects.toThrow(/invalid auth management/);
    await change(request, by('root'));
    await as('ann').put({ key: 'other', value });
  });

  it('knows a password, and keeps nothing but its hash', async () => {
    await enable();
    const { administration } = store;
    const token = await administration.authenticate('ann', 'wonder');
    expect(administration.userOf(token)).toBe('ann');
    await expect(administration.authenticate('ann', 'wander')).rejects.toThrow(/invalid user ID or password/);
    await expect(administration.authenticate('bob', '')).rejects.toThrow(/invalid user ID or password/);
    await change({ kind: 'user-change-password', name: 'ann', password: 'land' });
    await expect(administration.authenticate('ann', 'wonder')).rejects.toThrow(/invalid user ID or password/);
    expect(administration.userOf(token)).toBeUndefined();
    expect(administration.userOf(await administration.authenticate('ann', 'land'))).toBe('ann');
    expect(JSON.stringify(administration.auth.users())).not.toMatch(/secret|wonder|land/);
  });
});

describe('quota', () => {
  it('raises an alarm when writes that were let in one by one have come to it together', async () => {
    await store.close();
    store = createMemoryStore({ clock: new FakeClock(), quotaBytes: 1_000 });
    await Promise.all(['a', 'b', 'c'].map((key) => store.put({ key, value: Buffer.alloc(500) })));
    // Behind the alarm in the log, and nothing that would raise one.
    await store.deleteRange({ key: 'd' });
    expect(store.administration.alarms('nospace')).toHaveLength(1);
    await expect(store.put({ key: 'd', value })).rejects.toMatchObject({ code: 'no-space' });
  });

  it('raises an alarm, after which nothing may grow until it is disarmed', async () => {
    await store.close();
    store = createMemoryStore({ clock: new FakeClock(), quotaBytes: 1_000 });
    const { administration } = store;
    await store.put({ key: 'a', value: Buffer.alloc(500) });
    await expect(store.put({ key: 'b', value: Buffer.alloc(500) })).rejects.toMatchObject({ code: 'no-space' });
    const [alarm] = administration.alarms('nospace');
    expect(alarm).toMatchObject({ type: 'nospace' });
    // Though it would fit.
    await expect(store.put({ key: 'b', value })).rejects.toMatchObject({ code: 'no-space' });
    await expect(store.leaseGrant(60)).rejects.toMatchObject({ code: 'no-space' });
    await store.deleteRange({ key: 'a' });
    await store.compact((await store.status()).revision);
    await administration.defragment();
    await administration.changeAlarm('disarm', alarm!);
    await store.put({ key: 'b', value });
  });

  it('is that of etcd if none is given', () => {
    expect(store.administration.quotaBytes).toBe(DEFAULT_QUOTA_BYTES);
  });

  it('refuses everything when a member is known to be damaged', async () => {
    await store.administration.changeAlarm('raise', { type: 'corrupt', memberId: 7n });
    await expect(store.put({ key: 'a', value })).rejects.toMatchObject({ code: 'corrupt' });
    await expect(store.deleteRange({ key: 'a' })).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('hashes', () => {
  const write = async (target: LocalStore): Promise<void> => {
    for (let n = 0; n < 20; n++) await target.put({ key: `k${n % 3}`, value: Buffer.from(String(n)) });
    await target.deleteRange({ key: 'k1' });
  };

  it('are the same for the same history, whether or not what was compacted is gone yet', async () => {
    const other = createMemoryStore({ clock: new FakeClock() });
    await write(store);
    await write(other);
    expect(await store.administration.hash()).toEqual(await other.administration.hash());
    await other.put({ key: 'more', value });
    const at = (await store.status()).revision;
    expect(await other.administration.hashKeys(at)).toMatchObject({
      hash: (await store.administration.hashKeys(0)).hash,
      hashRevision: at,
    });
    await store.compact(12);
    await store.administration.defragment();
    const compacted = await store.administration.hashKeys(0);
    const [, early] = await Promise.all([other.compact(12), other.administration.hashKeys(at)]);
    await other.administration.defragment();
    expect((await other.administration.hashKeys(at)).hash).toBe(compacted.hash);
    expect(early.compactRevision).toBe(-1);
    expect(early.hash).not.toBe(compacted.hash);
    await other.close();
  });

  it('are other ones after a change', async () => {
    await write(store);
    const before = await store.administration.hash();
    await store.administration.changeAuth({ kind: 'role-add', name: 'r' });
    expect((await store.administration.hash()).hash).not.toBe(before.hash);
    expect((await store.administration.hashKeys(0)).hash).toBe((await store.administration.hashKeys(0)).hash);
    await expect(store.administration.hashKeys(99)).rejects.toMatchObject({ code: 'future-revision' });
  });
});
