import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../container-runtime';
import { type Step } from './launcher/encode-steps';
import { mountFlags } from './launcher/kernel-flags';
import { isErrno, KernelError, kernelErrors, type Steward } from './steward';

/**
 * Mounts layers under a directory for what is written. They are named by links, which are numbers: overlayfs takes less than 4096 bytes of options,
 * which are too few for 127 names of layers, and a comma or colon in the data directory's name would end one.
 * @param layers the lowest first; may be none
 * @param isRootless overlayfs then puts its notes into attributes that everybody may set (Linux 5.11)
 */
export async function mountRoot(
  steward: Steward,
  container: string,
  layers: readonly string[],
  isRootless: boolean,
): Promise<void> {
  const inside = (name: string): string => path.join(container, name);
  await Promise.all(
    ['upper', 'work', 'rootfs', 'empty', 'lower'].map((name) => mkdir(inside(name), { recursive: true, mode: 0o755 })),
  );
  const highestFirst = layers.length === 0 ? [inside('empty')] : [...layers].reverse();
  const cwd = inside('lower');
  await Promise.all(highestFirst.map((layer, index) => linkTo(layer, path.join(cwd, String(index)))));
  const options = `lowerdir=${Object.keys(highestFirst).join(':')},upperdir=../upper,workdir=../work${isRootless ? ',userxattr' : ''}`;
  const mount: Step = ['mount', 'overlay', inside('rootfs'), 'overlay', 0, options];
  await steward.ask(['in', cwd], mount).catch((error: unknown) => {
    if (!(error instanceof KernelError)) throw error;
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
export async function mountShm(steward: Steward, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const flags = mountFlags.nosuid | mountFlags.nodev | mountFlags.noexec;
  await steward.ask(['mount', 'shm', directory, 'tmpfs', flags, 'mode=1777,size=65536k']);
}

/** Succeeds if nothing is mounted there. */
export async function unmount(steward: Steward, directory: string): Promise<void> {
  await steward.ask(['unmount', directory]).catch((error: unknown) => {
    if (!(error instanceof KernelError)) throw error;
    if (isErrno(error, kernelErrors.invalid) || isErrno(error, kernelErrors.noSuchFile)) return;
    throw new RuntimeError('unavailable', `cannot unmount ${directory}: ${error.message}`);
  });
}
