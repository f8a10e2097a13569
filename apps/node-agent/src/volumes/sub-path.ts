import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isMountPoint, mount } from './mounts';

/** open(2)'s O_PATH, which Node does not name; the value is the same on x64 and arm64. */
const O_PATH = 0o10000000;

/** Upstream's texts. Says nothing of the host's file system beyond what the pod's author wrote. */
export function validateSubPath(subPath: string): string | undefined {
  if (path.isAbsolute(subPath)) return `error SubPath \`${subPath}\` must not be an absolute path`;
  if (subPath.split('/').includes('..')) return `unable to provision SubPath \`${subPath}\`: must not contain '..'`;
  return undefined;
}

/**
 * A path inside a volume that no symbolic link leads out of: not when it is looked up, and not when a container of the pod swaps directories for links
 * meanwhile (CVE-2017-1002101, CVE-2021-25741). The path is resolved once, must lie in the volume, is then walked component by component with
 * O_NOFOLLOW, and what was opened is bind mounted through its descriptor.
 *
 * @param target where to mount it; created
 * @returns the path to give to the runtime. Without root there is no bind mount: the resolved path.
 */
export async function prepareSubPath(volume: string, subPath: string, target: string): Promise<string> {
  const root = await fs.realpath(volume);
  const resolved = await resolveInside(root, path.join(root, subPath));
  const handle = await openInside(root, path.relative(root, resolved));
  try {
    if (process.getuid?.() !== 0) return resolved;
    if (await isMountPoint(target)) return target;
    const stat = await handle.stat();
    await fs.mkdir(path.dirname(target), { recursive: true, mode: 0o750 });
    if (stat.isDirectory()) await fs.mkdir(target, { recursive: true, mode: 0o750 });
    else await fs.writeFile(target, '', { flag: 'a', mode: 0o640 });
    await mount(`/proc/${process.pid}/fd/${handle.fd}`, target, { options: ['bind'] });
    return target;
  } finally {
    await handle.close();
  }
}

/** The real path, with directories made that do not exist yet. Rejects when it lies outside of `root`. */
async function resolveInside(root: string, wanted: string): Promise<string> {
  const missing: string[] = [];
  let existing = wanted;
  for (;;) {
    const found = await fs.realpath(existing).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found !== undefined) {
      assertInside(root, found);
      const whole = path.join(found, ...missing);
      await makeInside(root, path.relative(root, found), missing);
      return whole;
    }
    // A dangling link is not a place where something may be made.
    if (await isLink(existing)) throw new Error('subPath is a dangling symbolic link');
    missing.unshift(path.basename(existing));
    existing = path.dirname(existing);
  }
}

async function makeInside(root: string, base: string, names: readonly string[]): Promise<void> {
  let relative = base;
  for (const name of names) {
    const parent = await openInside(root, relative);
    try {
      const { mode } = await fs.stat(root);
      const made = `/proc/self/fd/${parent.fd}/${name}`;
      await fs.mkdir(made);
      await fs.chmod(made, mode & 0o7777);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await parent.close();
    }
    relative = path.join(relative, name);
  }
}

/** Opens `root/relative` one component at a time, following no link. */
export async function openInside(root: string, relative: string): Promise<fs.FileHandle> {
  let handle = await fs.open(root, O_PATH | constants.O_DIRECTORY);
  for (const name of relative.split('/').filter((step) => step !== '' && step !== '.')) {
    if (name === '..') {
      await handle.close();
      throw new Error('subPath leads out of its volume');
    }
    const parent = handle;
    try {
      handle = await fs.open(`/proc/self/fd/${parent.fd}/${name}`, O_PATH | constants.O_NOFOLLOW);
    } finally {
      await parent.close();
    }
    // With O_PATH a link itself is opened rather than refused.
    if ((await handle.stat()).isSymbolicLink()) {
      await handle.close();
      throw new Error('subPath has become a symbolic link');
    }
  }
  return handle;
}

function assertInside(root: string, file: string): void {
  if (file !== root && !file.startsWith(root === '/' ? '/' : `${root}/`))
    throw new Error('subPath leads out of its volume');
}

async function isLink(file: string): Promise<boolean> {
  const stat = await fs.lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return stat?.isSymbolicLink() ?? false;
}
