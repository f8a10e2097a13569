import { describeWith } from '../tools/requirements';
import { etcdctl, expectSame, inTime, normalise, type Pair, startEtcdctl, startPair } from './etcdctl';

/** One holds the lock, another waits for it, a third runs a command under it. */
async function lockTranscript(endpoint: string): Promise<string[]> {
  const first = startEtcdctl(endpoint, ['lock', '--ttl=60', 'door']);
  await inTime(() => expect(first.output()).toMatch(/^door\/[0-9a-f]+\n/));
  const second = startEtcdctl(endpoint, ['lock', '--ttl=60', 'door']);
  await inTime(async () => {
    const { stdout } = await etcdctl(endpoint, ['get', 'door/', '--prefix', '--keys-only']);
    expect(stdout.match(/door/g)).toHaveLength(2);
  });
  expect(second.output()).toBe('');
  await first.interrupt();
  await inTime(() => expect(second.output()).toMatch(/^door\/[0-9a-f]+\n/));
  await second.interrupt();
  const third = await etcdctl(endpoint, ['lock', '--ttl=60', 'door', 'echo', 'inside']);
  return [first.output(), second.output(), third.stdout + third.stderr].map((text) => normalise(text, endpoint));
}

async function electTranscript(endpoint: string): Promise<string[]> {
  const first = startEtcdctl(endpoint, ['elect', 'chair', 'ann']);
  await inTime(() => expect(first.output()).toContain('ann'));
  const second = startEtcdctl(endpoint, ['elect', 'chair', 'bob']);
  const listener = startEtcdctl(endpoint, ['elect', '--listen', 'chair']);
  await inTime(() => expect(listener.output()).toContain('ann'));
  await first.interrupt();
  await inTime(() => expect(second.output()).toContain('bob'));
  await inTime(() => expect(listener.output()).toContain('bob'));
  await second.interrupt();
  await listener.interrupt();
  return [first, second, listener].map((each) => normalise(each.output(), endpoint));
}

describeWith(['etcd'], 'etcdctl locking and electing', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair.stop());

  it.each([
    ['a lock', lockTranscript],
    ['an election', electTranscript],
  ])('sees no difference between our server and etcd in %s', (_what, run) => expectSame(pair, run), 240_000);
});
