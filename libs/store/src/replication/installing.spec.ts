import path from 'node:path';
import { seededRandom } from '#testing';
import { type KeyValue, type KeyValueStore, type WatchBatch } from '../key-value-store';
import { type SimulatedFiles } from '../simulated-files.fixture';
import { StoreCluster } from './store-cluster.fixture';

const everything = { key: '\0', rangeEnd: '\0' };

interface Image {
  /** What its machine was about to do when it stopped. */
  readonly before: string;
  readonly files: SimulatedFiles;
}

async function write(store: KeyValueStore, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    await store.put({ key: `key ${n % 40}`, value: Buffer.from(`${n} `.padEnd(2_000, 'x')) });
  }
}

interface State {
  readonly revision: number;
  readonly kvs: readonly { readonly key: string; readonly modRevision: number }[];
}

const plain = (kvs: readonly KeyValue[]): State['kvs'] => kvs.map(({ key, modRevision }) => ({ key, modRevision }));

/** What a member has by itself. */
async function local(store: KeyValueStore): Promise<State> {
  const { revision, kvs } = await store.range({ ...everything, serializable: true });
  return { revision, kvs: plain(kvs) };
}

/** The disk of an earlier moment has not what its member has acknowledged since: only a leader that never heard of that may see it. */
async function changeLeader(cluster: StoreCluster): Promise<void> {
  const leader = await cluster.leader();
  const [heir] = await cluster.followers();
  const { memberId } = await heir!.store!.status();
  await cluster.during(leader.store!.cluster.moveLeader(memberId));
}

it('has the old state or the new one, wherever its machine stops while it installs a snapshot', async () => {
  const random = seededRandom(261126);
  const cluster = await new StoreCluster(3, random, { catchUpBytes: 20_000 }).start();
  const { network } = cluster;
  const [away, other] = await cluster.followers();
  const rest = cluster.members.filter((member) => member !== away).map(({ url }) => url);
  await cluster.during(write(other!.store!, 0, 10));
  await cluster.during(away!.store!.range(everything));
  const before = await local(away!.store!);

  network.partition(rest);
  const leader = await cluster.leader();
  await cluster.during(write(leader.store!, 10, 120));
  for (const { store } of [leader, other!]) await store!.snapshot();
  const after = await local(leader.store!);

  // Each of its operations from the first byte received on, as its process may leave the disk, and as a loss of power may.
  const images: Image[] = [];
  const { files } = away!;
  files.fault = (operation, file) => {
    if (images.length === 0 && !file.includes('.received')) return;
    const name = `${operation} ${path.basename(file)}`;
    images.push({ before: name, files: files.copy() }, { before: name, files: files.afterPowerFailure(random) });
  };
  network.heal();
  await cluster.until(async () => (await local(away!.store!)).revision === after.revision);
  await cluster.during(away!.store!.range(everything));
  await cluster.stop(away!);
  files.fault = () => undefined;
  const steps = new Set(images.map((image) => image.before.replace(/[0-9a-f]{16}/g, '<index>')));
  for (const step of ['datasync <index>.received.tmp', 'rename <index>.received.tmp', 'rename <index>.received']) {
    expect(steps).toContain(step);
  }

  const found = new Set<'old' | 'new'>();
  for (const image of images) {
    await changeLeader(cluster);
    away!.files = image.files;
    network.partition(rest);
    await cluster.open(away!);
    const alone = await local(away!.store!);
    const isOld = alone.revision <= before.revision;
    found.add(isOld ? 'old' : 'new');
    // Of the last writes it may not know yet that they are committed; each was of a key of its own.
    const { revision } = alone;
    const old = { revision, kvs: before.kvs.filter(({ modRevision }) => modRevision <= revision) };
    expect({ at: image.before, ...alone }).toEqual({ at: image.before, ...(isOld ? old : after) });
    const left = [...image.files.contents('/store/snapshot').keys()].map((file) => path.extname(file));
    expect(left.filter((extension) => extension !== '.snap')).toEqual([]);

    network.heal();
    const caughtUp = await cluster.during(away!.store!.range(everything));
    expect({ at: image.before, kvs: plain(caughtUp.kvs) }).toEqual({ at: image.before, kvs: after.kvs });
    await cluster.stop(away!);
  }
  expect([...found]).toEqual(['old', 'new']);
  await cluster.close();
}, 120_000);

it('makes readers wait, and no mistake, while there is neither the old state nor the new one', async () => {
  const cluster = await new StoreCluster(3, seededRandom(5), { catchUpBytes: 20_000 }).start();
  const { network } = cluster;
  const [away] = await cluster.followers();
  const store = away!.store!;
  await cluster.during(write(store, 0, 10));
  const before = await store.status();
  const heard: number[] = [];
  const handler = { onBatch: ({ revision }: WatchBatch) => heard.push(revision), onEnd: () => heard.push(-1) };
  store.watch(everything, handler);
  store.watch({ ...everything, startRevision: 2 }, handler);

  network.partition(cluster.members.filter((member) => member !== away).map(({ url }) => url));
  const leader = (await cluster.leader()).store!;
  await cluster.during(write(leader, 10, 120));
  const after = await local(leader);
  heard.length = 0;

  const meanwhile = async () => {
    store.watch(everything, handler);
    return {
      status: await store.status(),
      range: await local(store),
      txn: await store.txn({
        compare: [],
        success: [{ type: 'range', request: { ...everything, serializable: true } }],
      }),
      hash: await store.administration.hashKeys(0),
      download: await store.administration.snapshot(),
      // A picture of nothing at all would be the end of it.
      snapshot: await store.snapshot(),
    };
  };
  let answers: ReturnType<typeof meanwhile> | undefined;
  away!.files.fault = (operation, file) => {
    if (operation === 'open' && file.endsWith('.snap')) answers ??= meanwhile();
  };
  network.heal();
  await cluster.until(() => answers !== undefined);
  const { status, range, txn, hash, download } = await cluster.during(answers!);
  download.close();
  expect(status).toMatchObject({ revision: before.revision, size: before.size });
  expect(range).toEqual(after);
  expect(txn.responses[0]!.response).toMatchObject({ count: after.kvs.length });
  expect(hash).toEqual(await cluster.during(leader.administration.hashKeys(0)));
  const missed = Array.from({ length: 120 }, (_, n) => before.revision + 1 + n);
  await cluster.until(() => heard.length >= 3 * missed.length);
  expect(heard.sort((a, b) => a - b)).toEqual(missed.flatMap((revision) => [revision, revision, revision]));

  await cluster.stop(away!);
  await cluster.open(away!);
  expect((await local(away!.store!)).kvs).toEqual(after.kvs);
  await cluster.close();
}, 60_000);

it('ends when its disk fails under a snapshot that it is sent', async () => {
  const cluster = await new StoreCluster(3, seededRandom(261127), { catchUpBytes: 20_000 }).start();
  const { network } = cluster;
  const [away, other] = await cluster.followers();
  network.partition(cluster.members.filter((member) => member !== away).map(({ url }) => url));
  const leader = await cluster.leader();
  await cluster.during(write(leader.store!, 0, 120));
  for (const { store } of [leader, other!]) await store!.snapshot();
  away!.files.fault = (operation, file) => {
    if (operation === 'datasync' && file.includes('.received')) throw new Error('EIO: i/o error');
  };
  network.heal();
  await cluster.until(async () => {
    const answer = away!.store!.range({ ...everything, serializable: true });
    return answer.then(
      () => false,
      ({ code, message }: { code?: string; message: string }) => code === 'closed' && message.includes('EIO'),
    );
  });
  await cluster.close();
});
