import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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

const step = (line: string, input?: string): Step => ({ args: line.split(' '), input });

describeWith(['etcd'], 'etcdctl for operators', () => {
  let pair: Pair;
  let directory: string;
  beforeEach(async () => {
    pair = await startPair();
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-etcdctl-'));
  });
  afterEach(async () => {
    await pair.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  it('sees no difference in health, status, hashes, compaction, defragmentation and alarms', async () => {
    const steps = [
      'put a 1',
      'put a 2',
      'put b 1',
      'endpoint health',
      'endpoint status -w json',
      'endpoint hashkv -w json',
      'endpoint hashkv --rev=99',
      'endpoint hashkv --rev=2 -w json',
      'compaction 3',
      'endpoint hashkv --rev=2',
      'endpoint hashkv -w json',
      'defrag',
      'alarm list',
      'alarm disarm',
      'move-leader 123',
    ];
    await expectSame(pair, (endpoint) =>
      transcript(
        endpoint,
        steps.map((line) => step(line)),
      ),
    );
  });

  it('saves a snapshot, whole and with its digest', async () => {
    const file = path.join(directory, 'ours.snap');
    for (let n = 0; n < 20; n++) await etcdctl(pair.ours, ['put', `k${n}`, 'v'.repeat(100_000)]);
    const { code, stderr } = await etcdctl(pair.ours, ['snapshot', 'save', file]);
    expect({ code, stderr: /error/i.test(stderr) }).toEqual({ code: 0, stderr: false });
    const saved = fs.readFileSync(file);
    expect(saved.length % 512).toBe(32);
    expect(saved.length).toBeGreaterThan(2_000_000);
    const digest = crypto.createHash('sha256').update(saved.subarray(0, -32)).digest();
    expect(saved.subarray(-32).equals(digest)).toBe(true);
  });

  it('raises an alarm when the quota is reached, and lets writes through when there is room again', async () => {
    await pair.stop();
    const quotaBytes = 16 * 1024 * 1024;
    pair = await startPair({ quotaBytes });
    const value = 'v'.repeat(1024 * 1024);
    await expectSame(pair, async (endpoint) => {
      let refusal = '';
      for (let n = 0; refusal === '' && n < 40; n++) {
        const { code, stderr } = await etcdctl(endpoint, ['put', 'big'], value);
        if (code !== 0) refusal = normalise(stderr, endpoint).replace(/\{.*\}\n/, '');
      }
      const { stdout } = await etcdctl(endpoint, ['get', 'big', '-w', 'json', '--keys-only']);
      const { header } = JSON.parse(stdout) as { header: { revision: number } };
      const answers = await transcript(endpoint, [
        step('alarm list'),
        step('put small x'),
        step('get none'),
        step('lease grant 60'),
        step('txn', '\nput small x\n\n\n'),
        step('del none'),
        step('endpoint health'),
      ]);
      await etcdctl(endpoint, ['compaction', String(header.revision)]);
      await etcdctl(endpoint, ['defrag']);
      return [
        refusal,
        ...answers,
        ...(await transcript(endpoint, [step('alarm disarm'), step('alarm list'), step('put small x')])),
      ];
    });
  });

  it('mirrors a prefix from our server to etcd, and from etcd to ours', async () => {
    for (const [from, to] of [
      [pair.ours, pair.theirs],
      [pair.theirs, pair.ours],
    ] as const) {
      await etcdctl(from, ['put', `from-${from}`, 'before']);
      const mirror = startEtcdctl(from, ['make-mirror', to, '--prefix', `from-${from}`]);
      try {
        const value = async (): Promise<string> =>
          (await etcdctl(to, ['get', `from-${from}`, '--print-value-only'])).stdout;
        await inTime(async () => expect(await value()).toBe('before\n'));
        await etcdctl(from, ['put', `from-${from}`, 'after']);
        await inTime(async () => expect(await value()).toBe('after\n'));
      } finally {
        await mirror.interrupt();
      }
    }
  });
});
