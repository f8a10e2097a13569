import { describeWith } from '../tools/requirements';
import {
  etcdctl,
  expectSame,
  inTime,
  normalise,
  type Pair,
  startEtcdctl,
  startPair,
  type Step,
  transcript,
} from './etcdctl';

const step = (line: string): Step => ({ args: line.split(' ') });
/** Tables are as wide as the addresses and ids in them. */
const narrow = (text: string): string =>
  text
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, '<url>')
    .replace(/127\.0\.0\.1:\d+/g, '<address>')
    .replace(/-{2,}/g, '--')
    .replace(/ {2,}/g, ' ')
    // Ids by chance come in any order.
    .replace(/(?<=ETCD_INITIAL_CLUSTER=").*(?=")/, (list) => list.split(',').sort().join())
    .replace(/(?:^<id>, .*\n)+/m, (list) => list.split('\n').sort().join('\n'));

/** A learner comes, which nobody has started, moves, and goes. */
async function members(endpoint: string): Promise<string[]> {
  const said: string[] = [];
  const say = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await etcdctl(endpoint, line.split(' '));
    said.push(narrow(normalise(`$ ${line}\n${stdout}${stderr}exit ${code}`, endpoint)));
    return stdout;
  };
  for (const format of ['fields', 'json', 'table']) await say(`member list -w ${format}`);
  const added = await say('member add learner --learner --peer-urls=http://127.0.0.1:1');
  const id = /Member\s+([0-9a-f]+) added/.exec(added)?.[1] ?? '';
  for (const line of [
    'member list',
    'member add again --learner --peer-urls=http://127.0.0.1:1,http://127.0.0.1:4',
    'member add nowhere --learner --peer-urls=nonsense',
    `member promote ${id}`,
    `member update ${id} --peer-urls=http://127.0.0.1:2`,
    `member update ${id} --peer-urls=nonsense`,
    `member remove ${id}`,
    `member remove ${id}`,
    `member promote ${id}`,
    `member update ${id} --peer-urls=http://127.0.0.1:3`,
    'member list',
    'endpoint health --cluster',
    'endpoint status --cluster -w fields',
    'endpoint hashkv --cluster',
    'defrag --cluster',
  ])
    await say(line);
  return said
    .map((text) => text.replaceAll(id, '<id>'))
    .map((text) =>
      /endpoint (status|hashkv)/.test(text) ? text.replace(/[\d.]+ [kM]?B|\d+\.\d+\.\d+|\d+|<id>/g, '<number>') : text,
    );
}

describeWith(['etcd'], 'etcdctl and the members', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ isMember: true });
  });
  afterAll(() => pair.stop());

  it('sees no difference between our server and etcd', () => expectSame(pair, members));

  it.each([
    ['to another prefix', ['--prefix', 'src/', '--dest-prefix', 'dst/'], 'dst/a'],
    ['to no prefix', ['--prefix', 'src/', '--no-dest-prefix'], 'a'],
  ])('mirrors %s, with what is deleted', async (_where, flags, there) => {
    for (const [from, to] of [
      [pair.ours, pair.theirs],
      [pair.theirs, pair.ours],
    ] as const) {
      await etcdctl(from, ['put', 'src/a', 'before']);
      const mirror = startEtcdctl(from, ['make-mirror', to, ...flags]);
      try {
        const value = async (): Promise<string> => (await etcdctl(to, ['get', there, '--print-value-only'])).stdout;
        await inTime(async () => expect(await value()).toBe('before\n'));
        await etcdctl(from, ['del', 'src/a']);
        await inTime(async () => expect(await value()).toBe(''));
      } finally {
        await mirror.interrupt();
      }
    }
    await transcript(pair.ours, [step('del src/ --prefix')]);
  });
});
