import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { RawApi } from '../tools/raw-api';
import { describeWith } from '../tools/requirements';

const configMaps = '/api/v1/namespaces/default/configmaps';
const alreadyRuns = 'A cluster is already running here.';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever that is. */
function ended(command: Promise<{ stdout: string; stderr: string }>): Promise<Ended> {
  return command.then(
    (result) => ({ code: 0, ...result }),
    (error: Ended) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

async function killHard(cluster: NestorCluster): Promise<void> {
  const { pid } = cluster;
  process.kill(pid, 'SIGKILL');
  await eventually(() => expect(existsSync(`/proc/${pid}`)).toBe(false));
}

function configMap(name: string, size = 1): { body: string } {
  return { body: JSON.stringify({ metadata: { name }, data: { a: 'x'.repeat(size) } }) };
}

describe('a data directory', () => {
  const cluster = new NestorCluster({ runtime: 'fake' });
  const file = (name: string): string => join(cluster.home, name);
  const up = (...args: string[]): Promise<Ended> => ended(cluster.nestor('up', '--runtime', 'fake', ...args));
  const isClean = (): void => {
    for (const name of ['nestor.pid', 'nestor.lock', 'nestor.sock'])
      expect([name, existsSync(file(name))]).toEqual([name, false]);
  };
  const withApi = async <T>(work: (api: RawApi) => Promise<T>): Promise<T> => {
    const api = new RawApi(cluster.kubeconfig);
    try {
      return await work(api);
    } finally {
      api.close();
    }
  };

  afterEach(async () => {
    await cluster.nestor('down');
  });
  afterAll(async () => {
    await cluster.purge();
    rmSync(cluster.home, { recursive: true, force: true });
  });

  it('is held by one of several that start at once; the others tell about it', async () => {
    const others = Array.from({ length: 3 }, () => up('--port', '0', '--detach'));
    const all = await Promise.all([...others, up('--port', '0', '--detach')]);
    expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(all.map(() => ({ code: 0, stderr: '' })));
    const { pid } = cluster;
    const told = all.map(({ stdout }) => /Process +(\d+)/.exec(stdout)?.[1]);
    expect(told).toEqual(all.map(() => String(pid)));
    const second = await up('--port', '0');
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining(alreadyRuns) as string });
    expect(second.stdout).toContain(`Process     ${pid}`);
  });

  it('has everything after kill -9', async () => {
    await cluster.up();
    await withApi((api) => api.request('POST', configMaps, configMap('kept')));
    await killHard(cluster);
    expect(existsSync(file('nestor.lock'))).toBe(true);
    await cluster.up();
    expect(await withApi((api) => api.outcome('GET', `${configMaps}/kept`))).toBe('200');
  });

  it.each([
    ['a dead process', { pid: 2 ** 22 + 1, startedAt: 'some-boot/1' }],
    ['another process with the same pid', { pid: process.pid, startedAt: 'some-boot/1' }],
    ['nobody that can be read', 'garbage'],
  ])('is taken from %s', async (_who, lock) => {
    writeFileSync(file('nestor.lock'), JSON.stringify(lock));
    writeFileSync(file('nestor.pid'), `${process.pid}\n`);
    writeFileSync(file('nestor.sock'), '');
    await cluster.up();
    expect(cluster.pid).not.toBe(process.pid);
  });

  it('is left clean when the port is taken', async () => {
    const holder = net.createServer().listen(0, '0.0.0.0');
    await once(holder, 'listening');
    const { port } = holder.address() as net.AddressInfo;
    const foreground = await up('--port', String(port));
    expect(foreground).toMatchObject({ code: 1 });
    expect(foreground.stderr).toBe(
      `nestor: port ${port} is taken by another program; choose one with --port, or --port 0 for any that is free\n`,
    );
    isClean();
    const detached = await up('--port', String(port), '--detach');
    expect(detached).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is taken`) as string });
    isClean();
    holder.close();
  });

  it('cannot be a file, or have a name that is too long', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'nestor-e2e-'));
    const notADirectory = join(parent, 'file');
    writeFileSync(notADirectory, 'mine');
    for (const path of [notADirectory, join(notADirectory, 'below'), join(parent, 'x'.repeat(150))]) {
      for (const more of [[], ['--detach']]) {
        const answer = await up('--port', '0', '--data-dir', path, ...more);
        expect(answer.code).toBe(1);
        expect(answer.stderr).toMatch(/^nestor: (cannot use the data directory|the path) .*\n$/);
        expect(answer.stderr).toContain(path);
      }
    }
    expect(readFileSync(notADirectory, 'utf8')).toBe('mine');
    rmSync(parent, { recursive: true });
  });

  it('whose log is damaged is refused, with the place, and left as it is', async () => {
    await cluster.up();
    await withApi(async (api) => {
      for (let i = 0; i < 20; i++) expect(await api.outcome('POST', configMaps, configMap(`w${i}`, 1000))).toBe('201');
    });
    await cluster.nestor('down');
    const directory = join(file('store'), 'wal');
    const segment = join(
      directory,
      readdirSync(directory)
        .filter((name) => name.endsWith('.wal'))
        .sort()
        .at(-1)!,
    );
    const intact = readFileSync(segment);
    const used = intact.findLastIndex((byte) => byte !== 0);
    const damaged = Buffer.from(intact);
    damaged.writeUInt8(damaged.readUInt8(used >> 1) ^ 0x10, used >> 1);
    writeFileSync(segment, damaged);
    const answer = await up('--port', '0');
    expect(answer.code).toBe(1);
    expect(answer.stderr).toMatch(
      /^nestor: the data is damaged, and nothing was changed: .* is corrupt at offset \d+: /,
    );
    expect(answer.stderr).toContain(segment);
    expect(Number(/offset (\d+)/.exec(answer.stderr)?.[1])).toBeLessThanOrEqual(used >> 1);
    expect(readFileSync(segment).equals(damaged)).toBe(true);
    isClean();
    writeFileSync(segment, intact);
    await cluster.up();
    expect(await withApi((api) => api.outcome('GET', `${configMaps}/w19`))).toBe('200');
  });
});

describeWith(['root'], 'a data directory on a file system of its own', () => {
  const home = mkdtempSync(join(tmpdir(), 'nestor-e2e-'));
  const cluster = new NestorCluster({ runtime: 'fake', home: join(home, 'data') });
  const filler = join(home, 'filler');

  beforeAll(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'nestor-e2e', home]);
  });
  afterAll(async () => {
    await cluster.nestor('down');
    execFileSync('umount', ['-l', home]);
    rmSync(home, { recursive: true, force: true });
  });

  it('cannot be used when it is read-only', async () => {
    execFileSync('mount', ['-o', 'remount,ro', home]);
    const answer = await ended(cluster.nestor('up', '--runtime', 'fake', '--port', '0', '--detach'));
    execFileSync('mount', ['-o', 'remount,rw', home]);
    expect(answer).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the file system is read-only') as string,
    });
  });

  it('that is full refuses writes, serves reads, and loses nothing', async () => {
    await cluster.up();
    const { pid } = cluster;
    const api = new RawApi(cluster.kubeconfig);
    const fill = (): void => {
      try {
        execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k', 'oflag=append', 'conv=notrunc'], {
          stdio: 'ignore',
        });
      } catch {
        // That it fails is the point.
      }
    };
    const acknowledged: string[] = [];
    let refusal = '';
    for (let i = 0; i < 200 && refusal === ''; i++) {
      // The first few find room.
      if (i >= 5) fill();
      const answer = await api.outcome('POST', configMaps, configMap(`full${i}`, 900_000));
      if (answer === '201') acknowledged.push(`full${i}`);
      else refusal = answer;
    }
    expect(refusal).toMatch(/^500 .*etcdserver: mvcc: database space exceeded/);
    expect(acknowledged.length).toBeGreaterThanOrEqual(5);
    expect(statSync(filler).size).toBeGreaterThan(0);
    expect(await api.outcome('GET', `${configMaps}/${acknowledged[0]}`)).toBe('200');
    expect(await api.outcome('GET', `${configMaps}?limit=1`)).toBe('200');
    expect((await api.request('GET', '/readyz')).code).toBe(200);
    expect(cluster.pid).toBe(pid);

    rmSync(filler);
    await eventually(async () => expect(await api.outcome('POST', configMaps, configMap('after'))).toBe('201'));
    api.close();
    await killHard(cluster);
    await cluster.up();
    const again = new RawApi(cluster.kubeconfig);
    for (const name of [...acknowledged, 'after'])
      expect(await again.outcome('GET', `${configMaps}/${name}`)).toBe('200');
    expect(readFileSync(join(cluster.home, 'nestor.log'), 'utf8')).not.toMatch(/unhandled rejection/);
    again.close();
  });
});
