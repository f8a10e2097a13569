import { FakeClock } from '#testing';
import { type KeyValueStore, StoreError } from '../key-value-store';
import { type DiskStore, openStore } from '../open-store';
import { SimulatedFiles } from '../simulated-files.fixture';
import { DEFAULT_REVISION_BUMP, restoreSnapshot } from './restore-snapshot';
import { snapshotStatus } from './snapshot-status';

const file = '/saved';
let files: SimulatedFiles;
let stores: DiskStore[];

beforeEach(() => {
  files = new SimulatedFiles();
  stores = [];
});
afterEach(() => Promise.all(stores.map((store) => store.close())));

async function open(directory: string): Promise<DiskStore> {
  const store = await openStore({ directory, clock: new FakeClock(), files });
  stores.push(store);
  return store;
}

async function write(name: string, content: Buffer): Promise<void> {
  const opened = await files.open(name, 'create');
  await opened.write(content, 0);
  await opened.close();
}

/** A store with some history, and a snapshot of it. */
async function save(): Promise<{ store: DiskStore; bytes: Buffer }> {
  const store = await open('/old');
  await store.leaseGrant(60, 5n);
  await store.put({ key: 'a', value: Buffer.from('1') });
  await store.put({ key: 'a', value: Buffer.from('2'), lease: 5n });
  await store.put({ key: 'b', value: Buffer.from('3') });
  await store.deleteRange({ key: 'b' });
  await store.administration.changeAuth({ kind: 'role-add', name: 'reader' });
  const download = await store.administration.snapshot();
  const bytes = Buffer.concat([...download.chunks]);
  download.close();
  await write(file, bytes);
  return { store, bytes };
}

const endOfWatch = (store: KeyValueStore, startRevision: number): Promise<Error> =>
  new Promise((resolve) => {
    store.watch({ key: 'a', startRevision }, { onBatch: () => undefined, onEnd: resolve });
  });

describe('a saved snapshot', () => {
  it('tells what is in it', async () => {
    const { store, bytes } = await save();
    const { hash } = await store.administration.hashKeys(0);
    expect(await snapshotStatus(file, { files })).toEqual({
      revision: 5,
      compactRevision: -1,
      keys: 1,
      bytes: bytes.length - 32,
      hash,
      members: [],
    });
  });

  it('says what is wrong with it, whichever byte it is', async () => {
    const { bytes } = await save();
    const complaint = async (content: Buffer): Promise<string> => {
      await write('/damaged', content);
      const error: unknown = await snapshotStatus('/damaged', { files }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreError);
      return (error as StoreError).message;
    };
    for (let position = 0; position < bytes.length; position += 7) {
      const content = Buffer.from(bytes);
      content[position]! ^= 1;
      expect(await complaint(content)).toContain('its SHA-256 is not the one that it ends with');
    }
    expect(await complaint(bytes.subarray(0, -1))).toContain('it is cut off');
    expect(await complaint(Buffer.alloc(0))).toContain('it is empty');
    const bolt = Buffer.alloc(4096);
    bolt.writeUInt32LE(0xed0cdaed, 16);
    expect(await complaint(bolt)).toContain('a snapshot of etcd itself');
    expect(await complaint(bytes.subarray(-32))).toContain('SHA-256');
  });

  it('may be a file from a member directory, if told', async () => {
    const { bytes } = await save();
    await write('/bare', bytes.subarray(0, -32));
    expect(await snapshotStatus('/bare', { files, isBare: true })).toMatchObject({ keys: 1 });
    const damaged = Buffer.from(bytes.subarray(0, -32));
    damaged[100]! ^= 1;
    await write('/bare', damaged);
    await expect(snapshotStatus('/bare', { files, isBare: true })).rejects.toThrow('is corrupt at offset');
  });
});

describe('a restored store', () => {
  it('has what the snapshot has, and time does not go back', async () => {
    const { store } = await save();
    const { clusterId } = await store.status();
    const restored = await restoreSnapshot({ file, directory: '/new', files });
    expect(restored).toMatchObject({ revision: 5 + DEFAULT_REVISION_BUMP });
    const fresh = await open('/new');
    expect(await fresh.status()).toMatchObject({ clusterId: restored.clusterId, memberId: restored.memberId });
    expect(restored.clusterId).not.toBe(clusterId);
    const { kvs, revision } = await fresh.range({ key: '\0', rangeEnd: '\0' });
    expect(kvs.map(({ key, value, lease }) => [key, Buffer.from(value).toString(), lease])).toEqual([['a', '2', 5n]]);
    expect(revision).toBe(restored.revision);
    expect(fresh.administration.auth.roles()).toEqual(['reader']);
    await expect(fresh.range({ key: 'a', revision: 5 })).rejects.toMatchObject({ code: 'compacted' });
    expect(await endOfWatch(fresh, 6)).toMatchObject({ code: 'compacted' });
    expect(await fresh.put({ key: 'c', value: Buffer.from('4') })).toMatchObject({ revision: revision + 1 });
  });

  it('is still itself after a restart', async () => {
    await save();
    await restoreSnapshot({ file, directory: '/new', files });
    await (await open('/new')).put({ key: 'c', value: Buffer.from('4') });
    await stores.pop()!.close();
    expect((await (await open('/new')).range({ key: 'c' })).count).toBe(1);
  });

  it('is of another cluster if the snapshot or the bump is another', async () => {
    const { bytes } = await save();
    const cluster = { peerUrls: ['http://a'], initialCluster: [{ name: 'a', peerUrl: 'http://a' }], token: 'x' };
    const { clusterId } = await restoreSnapshot({ file, directory: '/1', cluster, files });
    expect(await restoreSnapshot({ file, directory: '/2', cluster, files })).toMatchObject({ clusterId });
    const bumped = await restoreSnapshot({ file, directory: '/3', cluster, files, revisionBump: 1 });
    expect(bumped.clusterId).not.toBe(clusterId);
    await stores[0]!.put({ key: 'z', value: Buffer.from('5') });
    const download = await stores[0]!.administration.snapshot();
    await write('/later', Buffer.concat([...download.chunks]));
    download.close();
    expect(bytes.length).toBeGreaterThan(0);
    const later = await restoreSnapshot({ file: '/later', directory: '/4', cluster, files });
    expect(later.clusterId).not.toBe(clusterId);
  });

  it('goes nowhere where a store is, and nowhere by a damaged snapshot', async () => {
    const { bytes } = await save();
    await expect(restoreSnapshot({ file, directory: '/old', files })).rejects.toThrow('/old has a store already');
    await write(file, bytes.subarray(0, 500));
    await expect(restoreSnapshot({ file, directory: '/new', files })).rejects.toMatchObject({ code: 'corrupt' });
    expect(await files.list('/new').catch(() => [])).toEqual([]);
  });
});
