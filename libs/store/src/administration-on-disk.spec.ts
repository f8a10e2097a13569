import crypto from 'node:crypto';
import { FakeClock } from '#testing';
import { decodeCommand, encodeCommand } from './command-codec';
import { type DiskStore, openStore } from './open-store';
import { SimulatedFiles } from './simulated-files.fixture';
import { loadSnapshot } from './snapshot/load-snapshot';

let files: SimulatedFiles;
const open = (): Promise<DiskStore> => openStore({ directory: '/store', clock: new FakeClock(), files });

beforeEach(() => {
  files = new SimulatedFiles();
});

async function fill(store: DiskStore): Promise<void> {
  const { administration } = store;
  await store.put({ key: 'a', value: Buffer.from('1') });
  await store.leaseGrant(60, 5n);
  await administration.changeAuth({ kind: 'user-add', name: 'rööt', password: 'secret' });
  await administration.changeAuth({ kind: 'user-add', name: 'certified', password: undefined });
  await administration.changeAuth({ kind: 'role-add', name: 'root' });
  const permission = { access: 'write', key: 'a', rangeEnd: '\0' } as const;
  await administration.changeAuth({ kind: 'role-grant-permission', name: 'root', permission });
  await administration.changeAuth({ kind: 'user-grant-role', name: 'rööt', role: 'root' });
  await administration.changeAlarm('raise', { type: 'corrupt', memberId: 7n });
  await administration.changeAlarm('raise', { type: 'nospace', memberId: 2n ** 64n - 1n });
}

it.each(['the log', 'a snapshot'])('brings users, roles and alarms back from %s', async (source) => {
  let store = await open();
  await fill(store);
  const before = [await store.administration.hash(), store.administration.alarms(), store.administration.auth.users()];
  if (source === 'a snapshot') await store.snapshot();
  await store.close();
  store = await open();
  expect([await store.administration.hash(), store.administration.alarms(), store.administration.auth.users()]).toEqual(
    before,
  );
  await store.close();
});

it('gives a snapshot away that loads again, with a digest', async () => {
  const store = await open();
  await fill(store);
  const hash = await store.administration.hash();
  const download = await store.administration.snapshot();
  const bytes = Buffer.concat([...download.chunks]);
  download.close();
  expect(bytes.length).toBe(download.bytes);
  expect(bytes.length % 512).toBe(32);
  const content = bytes.subarray(0, -32);
  expect(crypto.createHash('sha256').update(content).digest().equals(bytes.subarray(-32))).toBe(true);
  const file = await files.open('/download', 'create');
  await file.write(content, 0);
  await file.close();
  const { machine, identity } = await loadSnapshot(files, '/download');
  expect(machine.auth.users()).toEqual(store.administration.auth.users());
  expect(machine.keyspace.revision).toBe(hash.revision);
  expect(identity.clusterId).toBe((await store.status()).clusterId);
  await store.close();
});

it('does not load a snapshot with something behind its end', async () => {
  const store = await open();
  await fill(store);
  const download = await store.administration.snapshot();
  const bytes = Buffer.concat([...download.chunks]);
  download.close();
  const file = await files.open('/download', 'create');
  // The digest too.
  await file.write(bytes, 0);
  await file.close();
  await expect(loadSnapshot(files, '/download')).rejects.toMatchObject({ code: 'corrupt' });
  await store.close();
});

it('lets compaction go on when a download is over, and not before', async () => {
  const store = await open();
  for (let n = 0; n < 100; n++) await store.put({ key: 'a', value: Buffer.alloc(1000) });
  const download = await store.administration.snapshot();
  await store.compact(101);
  await store.administration.defragment();
  expect((await store.status()).size).toBeGreaterThan(90_000);
  download.close();
  await store.administration.defragment();
  expect((await store.status()).size).toBeLessThan(2_000);
  await store.close();
});

describe('the format of commands', () => {
  it.each([
    ['put', '000001610162', { type: 'put', request: { key: 'a', value: Buffer.from('b') } }],
    ['compact', '0305', { type: 'compact', revision: 5 }],
    ['lease-revoke', '050500000000000000', { type: 'lease-revoke', id: 5n }],
  ])('is what it was before there were authors: %s', (_what, hex, command) => {
    expect(decodeCommand(Buffer.from(hex, 'hex'))).toMatchObject(command);
    expect(encodeCommand(command as never).toString('hex')).toBe(hex);
  });

  it.each([
    { type: 'auth', change: { kind: 'enable' } },
    { type: 'auth', change: { kind: 'disable' } },
    { type: 'auth', change: { kind: 'user-add', name: 'ä', password: undefined } },
    { type: 'auth', change: { kind: 'user-change-password', name: 'a', password: 'p' } },
    { type: 'auth', change: { kind: 'user-delete', name: 'a' } },
    { type: 'auth', change: { kind: 'user-revoke-role', name: 'a', role: 'b' } },
    { type: 'auth', change: { kind: 'role-delete', name: 'a' } },
    { type: 'auth', change: { kind: 'role-revoke-permission', name: 'a', key: '\xff', rangeEnd: '\0' } },
    { type: 'alarm', action: 'disarm', alarm: { type: 'corrupt', memberId: 2n ** 64n - 1n } },
    { type: 'token', token: { user: 'ä', since: 300, digest: Buffer.from([0, 255]) } },
    { type: 'compact', revision: 7, author: { user: 'ann', revision: 300 } },
  ] as const)('brings back what was written: $type', (command) => {
    expect(decodeCommand(encodeCommand(command as never))).toEqual(command);
  });
});
