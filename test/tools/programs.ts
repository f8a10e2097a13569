import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Makes a directory with all programs that PATH leads to but some: PATH for a machine that has less. `node` is the one that runs this. */
export function linkPrograms(directory: string, missing: RegExp): void {
  mkdirSync(directory);
  for (const [name, file] of programs()) if (!missing.test(name)) symlinkSync(file, join(directory, name));
}

/** The first of each name. */
function programs(): ReadonlyMap<string, string> {
  const found = new Map([['node', process.execPath]]);
  for (const directory of (process.env['PATH'] ?? '').split(':').filter((name) => name.startsWith('/'))) {
    for (const file of entries(directory)) if (!found.has(basename(file))) found.set(basename(file), file);
  }
  return found;
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
