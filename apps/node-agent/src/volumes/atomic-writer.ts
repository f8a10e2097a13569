import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { giveTo } from './owner';

export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
  readonly uid?: number;
}

/** Relative paths to files. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/**
 * Publishes a set of files so that readers see all of the old or all of the new ones (the kubelet's AtomicWriter): files are written to a fresh
 * `..<time>.<random>` directory, `..data` is a symbolic link to it that is replaced by `rename`, and what users see are links into `..data`.
 *
 * @param gid owning group of files and directories, for `fsGroup`
 * @returns whether anything changed
 */
export async function writePayload(target: string, payload: Payload, now: number, gid?: number): Promise<boolean> {
  for (const file of payload.keys()) assertPath(file);
  const link = path.join(target, dataLink);
  const current = await readLink(link);
  if (current !== undefined && (await isSame(path.join(target, current), payload))) return false;

  const stamp = new Date(now).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
  const fresh = `..${stamp}.${randomBytes(5).toString('hex')}`;
  await writeTree(path.join(target, fresh), payload, gid);
  const temporary = path.join(target, '..data_tmp');
  await fs.rm(temporary, { force: true });
  await fs.symlink(fresh, temporary);
  await fs.rename(temporary, link);

  const wanted = new Set([...payload.keys()].map((file) => file.split('/')[0]!));
  for (const name of wanted) {
    if ((await readLink(path.join(target, name))) === undefined)
      await fs.symlink(path.join(dataLink, name), path.join(target, name));
  }
  for (const name of await fs.readdir(target)) {
    const isStale = name.startsWith('..') ? name !== dataLink && name !== fresh : !wanted.has(name);
    if (isStale) await fs.rm(path.join(target, name), { recursive: true, force: true });
  }
  return true;
}

const dataLink = '..data';

async function writeTree(root: string, payload: Payload, gid: number | undefined): Promise<void> {
  const makeDirectory = async (directory: string): Promise<void> => {
    await fs.mkdir(directory, { recursive: true, mode: 0o755 });
    // mkdir is subject to the umask.
    await fs.chmod(directory, 0o755);
    if (gid !== undefined) await chown(directory, -1, gid, 0o2755);
  };
  await makeDirectory(root);
  for (const [file, { data, mode, uid }] of payload) {
    const full = path.join(root, file);
    if (path.dirname(file) !== '.') await makeDirectory(path.dirname(full));
    await fs.writeFile(full, data, { mode: 0o600 });
    await fs.chmod(full, mode);
    if (gid !== undefined || uid !== undefined)
      await chown(full, uid ?? -1, gid ?? -1, gid === undefined ? mode : mode | 0o440);
  }
}

/** Ownership is the node's to give only when it runs as root; otherwise files stay readable as their mode says. */
async function chown(file: string, uid: number, gid: number, mode: number): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const stat = await fs.lstat(file);
  await giveTo(file, uid < 0 ? stat.uid : uid, gid < 0 ? stat.gid : gid);
  await fs.chmod(file, mode);
}

function assertPath(file: string): void {
  const steps = file.split('/');
  if (file === '' || path.isAbsolute(file)) throw new Error(`invalid path: must be relative path: ${file}`);
  if (steps.includes('..')) throw new Error(`invalid path: must not contain '..': ${file}`);
  if (file.startsWith('..')) throw new Error(`invalid path: must not start with '..': ${file}`);
  if (Buffer.byteLength(file) > 4096) throw new Error('invalid path: must be less than or equal to 4096 characters');
}

async function isSame(root: string, payload: Payload): Promise<boolean> {
  const found = await listFiles(root);
  if (found.length !== payload.size) return false;
  for (const file of found) {
    const wanted = payload.get(file);
    if (wanted === undefined) return false;
    const full = path.join(root, file);
    const { mode } = await fs.stat(full);
    if (((mode & 0o777) | 0o440) !== ((wanted.mode & 0o777) | 0o440)) return false;
    if (!(await fs.readFile(full)).equals(wanted.data)) return false;
  }
  return true;
}

async function listFiles(root: string, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  const entries = await fs
    .readdir(path.join(root, prefix), { withFileTypes: true })
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  for (const entry of entries) {
    const name = path.join(prefix, entry.name);
    if (entry.isDirectory()) found.push(...(await listFiles(root, name)));
    else found.push(name);
  }
  return found;
}

async function readLink(link: string): Promise<string | undefined> {
  try {
    return await fs.readlink(link);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EINVAL') return undefined;
    throw error;
  }
}
