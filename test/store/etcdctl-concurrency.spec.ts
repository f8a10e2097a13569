import { describeWith } from '../tools/requirements';
import { eventually } from '../tools/eventually';
import { etcdctl, expectSame, normalise, type Pair, startEtcdctl, startPair } from './etcdctl';

/** One holds the lock, another waits for it, a third runs a command under it. */
async function lockTranscript(endpoint: string): Promise<string[]> {
  const first = startEtcdctl(endpoint, ['lock', 'door']);
  await eventually(() => expect(first.output()).toMatch(/^door\/[0-9a-f]+\n/));
  const second = startEtcdctl(endpoint, ['lock', 'door']);
  await eventually(async () => {
    const { stdout } = await etcdctl(endpoint, ['get', 'door/', '--prefix', '--keys-only']);
    expect(stdout.match(/door/g)).toHaveLength(2);
  });
  expect(second.output()).toBe('');
  await first.interrupt();
  await eventually(() => expect(second.output()).toMatch(/^door\/[0-9a-f]+\n/));
  await second.interrupt();
  const third = await etcdctl(endpoint, ['lock', 'door', 'echo', 'inside']);
  return [first.output(), second.output(), third.stdout + third.stderr].map((text) => normalise(text, endpoint));
}

async function electTranscript(endpoint: string): Promise<string[]> {
  const first = startEtcdctl(endpoint, ['elect', 'chair', 'ann']);
  await eventually(() => expect(first.output()).toContain('ann'));
  const second = startEtcdctl(endpoint, ['elect', 'chair', 'bob']);
  const listener = startEtcdctl(endpoint, ['elect', '--listen', 'chair']);
  await eventually(() => expect(listener.output()).toContain('ann'));
  await first.interrupt();
  await eventually(() => expect(second.output()).toContain('bob'));
  await eventually(() => expect(listener.output()).toContain('bob'));
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
  ])('sees no difference between our server and etcd in %s', (_what, run) => expectSame(pair, run), 60_000);
});
