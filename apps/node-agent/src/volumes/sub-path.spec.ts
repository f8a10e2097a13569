import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { removeTree } from './mounts';
import { openInside, prepareSubPath, validateSubPath } from './sub-path';

describe('subPath', () => {
  let base: string;
  let volume: string;
  let count = 0;
  beforeEach(async () => {
    base = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'subpath-')));
    volume = path.join(base, 'volume');
    await fs.mkdir(path.join(volume, 'dir'), { recursive: true });
    await fs.writeFile(path.join(volume, 'dir/file'), 'inside');
    await fs.writeFile(path.join(base, 'secret'), 'outside');
  });
  afterEach(() => removeTree(base));
  const target = (): string => path.join(base, 'targets', String(count++));

  it.each([
    ['/etc', 'error SubPath `/etc` must not be an absolute path'],
    ['a/../b', "unable to provision SubPath `a/../b`: must not contain '..'"],
    ['a/..b', undefined],
  ])('validates %s', (subPath, problem) => {
    expect(validateSubPath(subPath)).toBe(problem);
  });

  it('gives a directory, a file, and makes what is missing', async () => {
    expect(await fs.readFile(path.join(await prepareSubPath(volume, 'dir', target()), 'file'), 'utf8')).toBe('inside');
    expect(await fs.readFile(await prepareSubPath(volume, 'dir/file', target()), 'utf8')).toBe('inside');
    await prepareSubPath(volume, 'new/deep', target());
    expect((await fs.stat(path.join(volume, 'new/deep'))).isDirectory()).toBe(true);
  });

  it('follows links that stay inside', async () => {
    await fs.symlink('dir', path.join(volume, 'link'));
    expect(await fs.readFile(path.join(await prepareSubPath(volume, 'link', target()), 'file'), 'utf8')).toBe('inside');
  });

  it.each([
    ['a link to a file outside', '../secret'],
    ['an absolute link', '/etc'],
    ['a link to the parent', '..'],
    ['a dangling link', '../nowhere'],
  ])('refuses %s', async (_, destination) => {
    await fs.symlink(destination, path.join(volume, 'evil'));
    await expect(prepareSubPath(volume, 'evil', target())).rejects.toThrow();
    await expect(prepareSubPath(volume, 'evil/more', target())).rejects.toThrow();
    await expect(fs.stat(path.join(base, 'nowhere'))).rejects.toThrow();
  });

  it('does not follow a link that appears after the check', async () => {
    await fs.symlink('..', path.join(volume, 'dir/up'));
    await expect(openInside(volume, 'dir/up')).rejects.toThrow('symbolic link');
    await expect(openInside(volume, 'dir/up/secret')).rejects.toThrow();
    await expect(openInside(volume, '../secret')).rejects.toThrow('out of its volume');
  });

  it('never leaves the volume, whatever links a container makes (property)', async () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const where = fc.array(name, { minLength: 1, maxLength: 3 }).map((steps) => steps.join('/'));
    const to = fc.oneof(
      where,
      fc.constantFrom('..', '../..', '/', '../secret', '/etc/passwd', '.', '../volume/a', 'b/../..'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(where, to), { maxLength: 6 }), where, async (links, wanted) => {
        await fs.rm(volume, { recursive: true, force: true });
        await fs.mkdir(volume);
        for (const [from, destination] of links) {
          // Some links cannot be made (a name is taken, a parent is a file): the attacker tries them all the same.
          await fs.mkdir(path.dirname(path.join(volume, from)), { recursive: true }).catch(() => undefined);
          const parent = await fs.realpath(path.dirname(path.join(volume, from))).catch(() => base);
          if (parent.startsWith(volume)) await fs.symlink(destination, path.join(volume, from)).catch(() => undefined);
        }
        const before = await fs.readdir(base);
        const handle = await openAfter(wanted);
        if (handle !== undefined) expect(handle === volume || handle.startsWith(`${volume}/`)).toBe(true);
        expect(await fs.readdir(base)).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });

  /** Where the sub-path ends up, or undefined if it is refused; without the mount. */
  async function openAfter(wanted: string): Promise<string | undefined> {
    const uid = jest.spyOn(process as Required<NodeJS.Process>, 'getuid').mockReturnValue(1000);
    try {
      return await prepareSubPath(volume, wanted, target());
    } catch {
      return undefined;
    } finally {
      uid.mockRestore();
    }
  }
});
