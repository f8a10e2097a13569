import { lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../container-runtime';
import { runProgram, tryProgram } from './run-program';

/**
 * Mounts layers under a directory for what is written. They are named by links, which are numbers: overlayfs takes less than 4096 bytes of options,
 * which are too few for 127 names of layers, and a comma or colon in the data directory's name would end one.
 * @param layers the lowest first; may be none
 * @param isRootless overlayfs then puts its notes into attributes that everybody may set (Linux 5.11)
 */
export async function mountRoot(container: string, layers: readonly string[], isRootless: boolean): Promise<void> {
  const inside = (name: string): string => path.join(container, name);
  for (const name of ['upper', 'work', 'rootfs', 'empty', 'lower']) {
    await mkdir(inside(name), { recursive: true, mode: 0o755 });
  }
  const highestFirst = layers.length === 0 ? [inside('empty')] : [...layers].reverse();
  const cwd = inside('lower');
  await Promise.all(highestFirst.map((layer, index) => linkTo(layer, path.join(cwd, String(index)))));
  const options = `lowerdir=${Object.keys(highestFirst).join(':')},upperdir=../upper,workdir=../work${isRootless ? ',userxattr' : ''}`;
  const args = ['-n', '-t', 'overlay', '-o', options, 'overlay', inside('rootfs')];
  await runProgram('mount', args, { cwd }).catch((error: Error) => {
    throw new RuntimeError('start-failed', `failed to mount the container's root: ${error.message}`);
  });
}

/** A start that was cut short may have made it. */
async function linkTo(target: string, link: string): Promise<void> {
  try {
    await symlink(target, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Memory for /dev/shm, as large as Docker's. */
export async function mountShm(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const options = 'mode=1777,size=65536k,nosuid,nodev,noexec';
  await runProgram('mount', ['-n', '-t', 'tmpfs', '-o', options, 'shm', directory]);
}

/** Succeeds if nothing is mounted there. */
export async function unmount(directory: string): Promise<void> {
  const { code, stderr } = await tryProgram('umount', ['-n', '-l', directory]);
  if (code !== 0 && !/not mounted|not found|no mount point|no such file/i.test(stderr)) {
    throw new RuntimeError('unavailable', `cannot unmount ${directory}: ${stderr.trim()}`);
  }
}

const maxUserFile = 4 * 2 ** 20;

/** A file of /etc in an image, as text. No link is followed: it would lead to the host's. Empty: there is none. */
export async function readEtc(root: string, name: string): Promise<string> {
  const etc = path.join(root, 'etc');
  try {
    if (!(await lstat(etc)).isDirectory()) return '';
    const found = await lstat(path.join(etc, name));
    if (!found.isFile() || found.size > maxUserFile) return '';
    return await readFile(path.join(etc, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
