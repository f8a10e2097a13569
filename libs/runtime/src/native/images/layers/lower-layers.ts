import fs from 'node:fs/promises';
import { type Stats } from 'node:fs';
import { kernelPath } from './layer-files';

/** Layers as overlayfs shows them, the highest first: whiteouts hide what is below them, and what is no directory ends one. */
export type LowerLayers = readonly string[];

/** The directory that shows at a path; undefined: there is none. The path is bytes as characters (latin1). */
export async function lowerDirectory(lowers: LowerLayers, path: string): Promise<Stats | undefined> {
  const [first] = await directoriesAt(lowers, path, 1);
  return first?.stats;
}

/** The names that show in a directory, and whether they are directories themselves. */
export async function lowerEntries(lowers: LowerLayers, path: string): Promise<ReadonlyMap<string, boolean>> {
  const shown = new Map<string, boolean>();
  const hidden = new Set<string>();
  for (const { root } of await directoriesAt(lowers, path, Infinity)) {
    for (const bytes of await fs.readdir(kernelPath(root, path), { encoding: 'buffer' })) {
      const name = bytes.toString('latin1');
      if (shown.has(name) || hidden.has(name)) continue;
      const stats = await fs.lstat(kernelPath(root, path === '' ? name : `${path}/${name}`));
      if (isWhiteout(stats)) hidden.add(name);
      else shown.set(name, stats.isDirectory());
    }
  }
  return shown;
}

/** The text of the file that shows at a path. No link is followed. Undefined: there is no file, or one of more than `most` bytes. */
export async function lowerFile(lowers: LowerLayers, path: string, most: number): Promise<string | undefined> {
  for (const { root } of await directoriesAt(lowers, path.slice(0, Math.max(0, path.lastIndexOf('/'))), Infinity)) {
    const file = kernelPath(root, path);
    const stats = await lstatIfThere(file);
    if (stats !== undefined) return stats.isFile() && stats.size <= most ? fs.readFile(file, 'utf8') : undefined;
  }
  return undefined;
}

interface Found {
  readonly root: string;
  readonly stats: Stats;
}

/** The directories of all layers that are merged at a path. No step of the path is followed if it is a link. */
async function directoriesAt(lowers: LowerLayers, path: string, most: number): Promise<Found[]> {
  const found: Found[] = [];
  const steps = stepsOf(path);
  for (const root of lowers) {
    const stats = await walk(root, steps);
    if (stats === 'ends') break;
    if (stats !== 'absent') found.push({ root, stats });
    if (found.length >= most) break;
  }
  return found;
}

async function walk(root: string, steps: readonly string[]): Promise<Stats | 'absent' | 'ends'> {
  let stats: Stats | undefined;
  for (const step of steps) {
    stats = await lstatIfThere(kernelPath(root, step));
    if (stats === undefined) return 'absent';
    if (!stats.isDirectory()) return 'ends';
  }
  return stats ?? 'absent';
}

/** '', 'a', 'a/b' of 'a/b'. */
function stepsOf(path: string): string[] {
  const names = path === '' ? [] : path.split('/');
  return ['', ...names.map((_, index) => names.slice(0, index + 1).join('/'))];
}

export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

async function lstatIfThere(path: Buffer): Promise<Stats | undefined> {
  try {
    return await fs.lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
