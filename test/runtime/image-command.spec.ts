import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FakeRegistry } from './images/fake-registry';
import { makeImage, makeTar } from './images/made-image';

/** What a person types, and reads. */
describe('nestor image', () => {
  const home = mkdtempSync(join(tmpdir(), 'nestor-image-'));
  const program = join(__dirname, '../../bin/nestor');
  let registry: FakeRegistry;

  beforeAll(async () => {
    registry = await FakeRegistry.start();
    registry.put('team/app', 'v1', await makeImage([[{ name: 'file', content: 'x'.repeat(2000) }]]));
  });

  afterAll(async () => {
    await registry.stop();
    rmSync(home, { recursive: true });
  });

  /** Standard output and error, and the exit code. */
  function image(...args: string[]): Promise<{ said: string; code: number }> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [program, 'image', ...args],
        { env: { ...process.env, NESTOR_HOME: home } },
        (error, stdout, stderr) => resolve({ said: stdout + stderr, code: Number(error?.code ?? 0) }),
      );
      child.stdin?.end();
    });
  }

  test('pull, import, ls, rm and prune tell what they did', async () => {
    const name = `${registry.host}/team/app:v1`;
    const rootfs = join(home, 'rootfs.tar.gz');
    writeFileSync(rootfs, gzipSync(await makeTar([{ name: 'file', content: 'y' }])));
    expect((await image('pull', name)).said).toMatch(/app:v1 {2}sha256:[0-9a-f]{64}\n$/);
    expect((await image('import', rootfs, 'mine:1')).code).toBe(0);
    const rows = (await image('ls')).said.trim().split('\n');
    expect(rows.map((row) => row.split(/ {2,}/).filter((_, column) => column !== 2))).toEqual([
      ['IMAGE', 'TAG', 'SIZE'],
      [`${registry.host}/team/app`, 'v1', '2kB'],
      ['docker.io/library/mine', '1', '1B'],
    ]);
    expect((await image('rm', 'mine:1')).said).toMatch(/^Removed mine:1, \d+B\n$/);
    expect((await image('prune')).said).toBe('Removed 0 images, 0B\n');
    expect((await image('prune', '--all')).said).toMatch(/^Removed 1 image, [\d.]+kB\n$/);
  });

  test.each([
    [['rm', 'absent:1'], 'nestor: there is no image absent:1\n'],
    [['pull', 'UPPER'], 'nestor: couldn\'t parse image reference "UPPER": invalid reference format\n'],
    [['load', '/nowhere.tar'], "nestor: ENOENT: no such file or directory, access '/nowhere.tar'\n"],
    [
      ['load'],
      'nestor: failed to load the archive: it is no archive of images: it has neither manifest.json nor an OCI layout\n',
    ],
    [['pull', 'a', '--username', 'x'], 'nestor: --username and --password-stdin go together\n'],
  ])('%j says what is wrong, and fails', async (args, said) => {
    expect(await image(...args)).toEqual({ said, code: 1 });
  });
});
