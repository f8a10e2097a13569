import { lstat, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../container-runtime';
import { runProgram, tryProgram } from './run-program';

/**
 * Mounts layers under a directory for what is written. Paths are relative to the layers' directory: overlayfs takes less than 4096 bytes of
 * options, and a comma or colon in the data directory's name would end one.
 * @param layers the lowest first; may be none
 */
export async function mountRoot(container: string, layers: readonly string[]): Promise<void> {
  const [upper, work, root, empty] = ['upper', 'work', 'rootfs', 'empty'].map((name) => path.join(container, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const directory of [upper, work, root, empty]) await mkdir(directory, { recursive: true, mode: 0o755 });
  const lowest = layers.length === 0 ? [empty] : [...layers].reverse();
  const cwd = path.dirname(path.dirname(lowest[0] ?? ''));
  const relative = (to: string): string => path.relative(cwd, to);
  const options = `lowerdir=${lowest.map(relative).join(':')},upperdir=${relative(upper)},workdir=${relative(work)}`;
  await runProgram('mount', ['-n', '-t', 'overlay', '-o', options, 'overlay', root], { cwd }).catch((error: Error) => {
    throw new RuntimeError('start-failed', `failed to mount the container's root: ${error.message}`);
  });
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
