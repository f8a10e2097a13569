import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, type ClusterReport, ControlSocket } from './control-socket';
import { type DataDirectory, dataDirectory } from './data-directory';
import { holderOf } from './directory-holder';
import { lockDirectory } from './directory-lock';
import { identify } from './process-identity';

const report: ClusterReport = {
  pid: 1,
  phase: 'ready',
  activity: '',
  server: 'https://127.0.0.1:6443',
  kubeconfig: '',
  runtime: 'fake',
  nodes: 1,
  startedAt: 0,
  notes: [],
};

describe('the lock on a data directory', () => {
  let directory: DataDirectory;

  beforeEach(async () => (directory = dataDirectory(await mkdtemp(join(tmpdir(), 'nestor-lock-')))));
  afterEach(() => rm(directory.root, { recursive: true }));

  const leaveLock = (content: string): Promise<void> => writeFile(directory.lockFile, content);

  it('is held by one at a time, and leaves nothing behind', async () => {
    const lock = await lockDirectory(directory);
    expect(await lockDirectory(directory)).toBeUndefined();
    expect((await readFile(directory.pidFile, 'utf8')).trim()).toBe(String(process.pid));
    await lock?.release();
    expect(await readdir(directory.root)).toEqual([]);
    const again = await lockDirectory(directory);
    expect(again).toBeDefined();
    await again?.release();
  });

  it('goes to exactly one of many who want it at once', async () => {
    await leaveLock(JSON.stringify({ pid: 2 ** 22 + 1, startedAt: 'never' }));
    const locks = await Promise.all(Array.from({ length: 8 }, () => lockDirectory(directory)));
    expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1);
    await locks.find((lock) => lock !== undefined)?.release();
  });

  it.each([
    ['of a process that is gone', { pid: 2 ** 22 + 1, startedAt: 'x/1' }],
    ['of an earlier process with a pid that is in use again', { pid: process.pid, startedAt: 'x/1' }],
  ])('%s is taken over', async (_, holder) => {
    await leaveLock(JSON.stringify(holder));
    const lock = await lockDirectory(directory);
    expect(lock).toBeDefined();
    await lock?.release();
  });

  it('that was never completely written is taken over', async () => {
    await leaveLock('{"pid":');
    const lock = await lockDirectory(directory);
    expect(lock).toBeDefined();
    await lock?.release();
  });

  it('of a live process is respected even if it does not answer', async () => {
    await leaveLock(JSON.stringify(identify(process.pid)));
    expect(await lockDirectory(directory)).toBeUndefined();
    expect((await holderOf(directory))?.pid).toBe(process.pid);
  });

  it('of somebody who answers is respected even if its pid means nothing here', async () => {
    await leaveLock(JSON.stringify({ pid: 2 ** 22 + 1, startedAt: 'another namespace' }));
    const control = await ControlSocket.listen(
      directory.socket,
      () => report,
      () => undefined,
    );
    expect(await lockDirectory(directory)).toBeUndefined();
    await control.close();
    const lock = await lockDirectory(directory);
    expect(lock).toBeDefined();
    await lock?.release();
  });
});

describe('the control socket', () => {
  it('reports, stops, and survives nonsense', async () => {
    const root = await mkdtemp(join(tmpdir(), 'nestor-control-'));
    const path = join(root, 'socket');
    let stops = 0;
    expect(await ask(path, 'report')).toBeUndefined();
    const control = await ControlSocket.listen(
      path,
      () => report,
      () => stops++,
    );
    expect(await ask(path, 'nonsense'.repeat(1000) as 'report')).toBeUndefined();
    expect(await ask(path, 'report')).toEqual(report);
    expect(stops).toBe(0);
    expect(await ask(path, 'stop')).toEqual(report);
    expect(stops).toBe(1);
    await control.close();
    expect(await ask(path, 'report')).toBeUndefined();
    await rm(root, { recursive: true });
  });
});
